// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { ethernetFrame, frameText, type Tap } from '../kernel/tap-frames.ts';
import { until } from '../process/until.ts';

/** One end of a stream: an open tap, and the MAC address of its link. */
export interface StreamEnd {
  readonly tap: Tap;
  readonly mac: string;
}

/** A stream of numbered frames from one tap to another while other things happen. */
export interface FrameStream {
  /** Resolves when several more frames have arrived. This proves that the stream still works. */
  goesOn(): Promise<void>;
  /** Ends the stream. Returns how many frames were sent, and the frames that arrived, in order. */
  end(): Promise<{ readonly sent: number; readonly arrived: readonly number[] }>;
}

const gapMs = 2;
const pollMs = 100;
/** More frames than can have been in flight. */
const some = 50;
/** How long to wait for a frame that never arrives. */
const guardMs = 30_000;

export function startFrames(from: StreamEnd, to: StreamEnd): FrameStream {
  const stop = new AbortController();
  const arrived: number[] = [];
  let sent = 0;
  let allSent = false;
  const send = async () => {
    for (; !stop.signal.aborted; sent += 1) {
      await from.tap.send(ethernetFrame(to.mac, from.mac, `frame ${sent}`));
      await sleep(gapMs);
    }
  };
  const receive = async () => {
    for (;;) {
      // The last frame is known only after the sender has stopped.
      const isOver = allSent;
      if (isOver && arrived.at(-1) === sent - 1) return;
      const frame = await to.tap.receive((one) => numberOf(one) !== undefined, isOver ? guardMs : pollMs);
      if (frame !== undefined) arrived.push(Number(numberOf(frame)));
      else if (isOver) return;
    }
  };
  const sending = send();
  const receiving = receive();
  return {
    async goesOn() {
      const wanted = arrived.length + some;
      await until(
        async () => arrived.length,
        (count) => count >= wanted,
        guardMs,
      );
    },
    async end() {
      stop.abort();
      await sending;
      allSent = true;
      await receiving;
      return { sent, arrived };
    },
  };
}

function numberOf(frame: Uint8Array): string | undefined {
  return /^frame (\d+)$/.exec(frameText(frame) ?? '')?.[1];
}
