// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import {
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  type Frame,
  frameHeaderLength,
} from '../../nodeplugin/cni/shim/frame.ts';

/** A client of the node plugin's CNI socket, which may behave differently from the CNI plugin. */
export interface RawSocket extends Disposable {
  readonly socket: Socket;
  send(bytes: Uint8Array): void;
  /** Returns the next frame, or undefined if the connection ended before a complete one arrived. */
  next(): Promise<Frame | undefined>;
}

export function openRawSocket(path: string): RawSocket {
  const socket = connect(path);
  socket.on('error', () => {});
  let received = Buffer.alloc(0);
  const take = (): Frame | undefined => {
    if (received.length < frameHeaderLength) return undefined;
    const length = frameHeaderLength + decodeFrameHeader(received).bodyLength;
    if (received.length < length) return undefined;
    const frame = decodeFrame(received.subarray(0, length));
    received = received.subarray(length);
    return frame;
  };
  const chunks = socket[Symbol.asyncIterator]();
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async next() {
      for (;;) {
        const frame = take();
        if (frame !== undefined) return frame;
        const chunk = await chunks.next().catch(() => ({ done: true }) as const);
        if (chunk.done === true) return undefined;
        received = Buffer.concat([received, chunk.value as Buffer]);
      }
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

/** Encodes the request that the CNI plugin would send. */
export function requestFrame(environment: Readonly<Record<string, string>>, stdin: string | Uint8Array): Uint8Array {
  const bytes = typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin;
  return encodeFrame({ type: 'request', environment: new Map(Object.entries(environment)), stdin: bytes });
}
