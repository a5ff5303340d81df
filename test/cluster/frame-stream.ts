// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { ethernetFrame, frameText, openTap, type Tap } from '../kernel/tap-frames.ts';
import { until } from '../process/until.ts';
import type { PodTap } from './taps.ts';

/** One end of a stream: an open tap, and the MAC address of its link. */
interface StreamEnd {
  readonly tap: Tap;
  readonly mac: string;
}

/** A stream of numbered frames from one tap to another while other things happen. */
interface FrameStream {
  /** Resolves when several more frames have arrived. This proves that the stream still works. */
  goesOn(): Promise<void>;
  /** Ends the stream. Returns how many frames were sent, and the frames that arrived, in order. */
  end(): Promise<{ readonly sent: number; readonly arrived: readonly number[] }>;
}

/** Streams in both directions between the taps of two pods. Disposing of it closes the taps. */
export interface FrameExchange extends AsyncDisposable {
  /** Resolves when several more frames have arrived in each direction. */
  goesOn(): Promise<void>;
  /** Ends both streams. Fails if a frame was lost, repeated or reordered. */
  assertComplete(): Promise<void>;
}

const gapMs = 2;
const pollMs = 100;
/** More frames than can have been in flight. */
const some = 50;
/** How long to wait for a frame that never arrives. */
const guardMs = 30_000;

/** Opens the taps, and sends frames in both directions until the end. Resolves when the first frames have arrived. */
export async function exchangeFrames([near, far]: readonly [PodTap, PodTap]): Promise<FrameExchange> {
  await using undo = new AsyncDisposableStack();
  // All network namespaces share the machine's /dev, so a test can open the taps of pods by their paths.
  const open = async ({ path, mac }: PodTap) => ({ tap: undo.use(await openTap(path)), mac });
  const [one, other] = [await open(near), await open(far)];
  const streams = [startFrames(one, other), startFrames(other, one)];
  const end = () => Promise.all(streams.map((stream) => stream.end()));
  undo.defer(async () => void (await end()));
  const goesOn = async () => void (await Promise.all(streams.map((stream) => stream.goesOn())));
  await goesOn();
  const scope = undo.move();
  return {
    goesOn,
    async assertComplete() {
      for (const { sent, arrived } of await end()) {
        assert.ok(sent > 0);
        assert.deepEqual(arrived, [...Array(sent).keys()]);
      }
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

function startFrames(from: StreamEnd, to: StreamEnd): FrameStream {
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
