// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { decodeFrameHeader, encodeFrame, type Frame, frameHeaderLength } from '../../nodeplugin/cni/frame.ts';

/** A node plugin that does what the test says: everything that a real one would never do. */
export interface ShimPeer extends AsyncDisposable {
  /** The frames that came, of all connections, byte for byte. */
  readonly received: readonly Buffer[];
}

/** Is told of each connection; `next` reads one frame off it. */
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
    // A shim that went away in the middle is the test's to notice.
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

/** Reads only while a frame is waited for. */
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
