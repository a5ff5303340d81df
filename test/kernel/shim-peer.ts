// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { decodeFrameHeader, encodeFrame, type Frame, frameHeaderLength } from '../../nodeplugin/cni/shim/frame.ts';

/** A node plugin that the test controls. It can do everything that a real one never does. */
export interface ShimPeer extends AsyncDisposable {
  /** The frames that arrived on all connections, byte for byte. */
  readonly received: readonly Buffer[];
}

/** Handles each connection; `next` reads one frame from it. */
export type Behaviour = (socket: Socket, next: () => Promise<Buffer>) => Promise<void> | void;

export async function makeShimPeer(path: string, behave: Behaviour): Promise<ShimPeer> {
  await mkdir(dirname(path), { recursive: true });
  const received: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const readNext = makeFrameReader(socket);
    const next = async () => {
      const frame = await readNext();
      received.push(frame);
      return frame;
    };
    // `next` rejects if the shim disconnects. Any other failure also closes the connection, so the shim reports an
    // error.
    Promise.resolve(behave(socket, next)).catch(() => socket.destroy());
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    received,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export const answer = (exitCode: number, output = ''): Uint8Array =>
  encodeFrame({ type: 'answer', exitCode, output } satisfies Frame);

/** Returns a function that reads one frame. Data is read only while a frame is awaited. */
function makeFrameReader(socket: Socket): () => Promise<Buffer> {
  let rest = Buffer.alloc(0);
  return async () => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const take = (chunk: Uint8Array) => {
      rest = Buffer.concat([rest, chunk]);
      if (rest.length < frameHeaderLength) return;
      const length = frameHeaderLength + decodeFrameHeader(rest).bodyLength;
      if (rest.length < length) return;
      socket.off('data', take).pause();
      resolve(rest.subarray(0, length));
      rest = rest.subarray(length);
    };
    socket.once('close', () => reject(new Error('the shim closed the connection')));
    socket.on('data', take).resume();
    return await promise;
  };
}
