// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A tap that is opened as a virtual machine opens it: it sends and receives complete Ethernet frames. */
export interface Tap extends AsyncDisposable {
  send(frame: Uint8Array): Promise<void>;
  /** Returns the first frame that is wanted, or undefined if none arrived within `timeoutMs`. */
  receive(isWanted: (frame: Uint8Array) => boolean, timeoutMs: number): Promise<Uint8Array | undefined>;
}

/** A new macvtap queue has IFF_VNET_HDR set, and a struct virtio_net_hdr of ten bytes (tap_open, drivers/net/tap.c). */
const vnetHeaderBytes = 10;
const maxFrameBytes = 65_550;

export async function openTap(path: string): Promise<Tap> {
  // Opened without blocking. Otherwise, a read that waits for a frame would occupy a thread of the pool.
  const file = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  return {
    async send(frame) {
      await file.write(Buffer.concat([Buffer.alloc(vnetHeaderBytes), frame]));
    },
    async receive(isWanted, timeoutMs) {
      const over = AbortSignal.timeout(timeoutMs);
      while (!over.aborted) {
        const frame = await readFrame(file);
        if (frame === undefined) await sleep(5);
        else if (isWanted(frame)) return frame;
      }
      return undefined;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

async function readFrame(file: FileHandle): Promise<Uint8Array | undefined> {
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(maxFrameBytes), 0, maxFrameBytes, null);
    return buffer.subarray(vnetHeaderBytes, bytesRead);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

/** IEEE 802 Local Experimental EtherType 1. No protocol handler of any kernel reads such frames. */
const etherType = [0x88, 0xb5];

/** Returns an Ethernet frame that carries a text: `ethernetFrame('02:…:01', '02:…:02', 'hello')`. */
export function ethernetFrame(destination: string, source: string, text: string): Uint8Array {
  const address = (mac: string) => mac.split(':').map((byte) => Number.parseInt(byte, 16));
  const payload = Buffer.from(text.padEnd(46));
  return Buffer.concat([Buffer.from([...address(destination), ...address(source), ...etherType]), payload]);
}

/** Returns the text of a frame that `ethernetFrame` made, or undefined for any other frame. */
export function frameText(frame: Uint8Array): string | undefined {
  const isOurs = frame[12] === etherType[0] && frame[13] === etherType[1];
  return isOurs ? Buffer.from(frame.subarray(14)).toString().trimEnd() : undefined;
}
