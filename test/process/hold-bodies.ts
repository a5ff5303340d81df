// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect } from 'node:tls';

export interface HoldBodiesOptions {
  readonly port: number;
  /** The source of the connections: a loopback address. */
  readonly localAddress: string;
  readonly count: number;
}

/**
 * Connections of clients without credentials. Each has sent an incomplete request, which the server keeps in memory.
 */
export interface HeldBodies extends Disposable {
  /** The number of connections that sent all of their body except its last byte, and are still open. */
  readonly held: number;
  /** The number of connections that the server closed. */
  readonly closed: number;
}

const bodyBytes = 7 * 1024 * 1024;
const chunk = Buffer.alloc(64 * 1024, 'x');

/** Opens connections that each send a body of just under 7 MiB except its last byte, and then wait. */
export function holdBodies({ port, localAddress, count }: HoldBodiesOptions): HeldBodies {
  const sockets = new Set<Socket>();
  const holding = new Set<Socket>();
  let closed = 0;
  const hold = (): void => {
    const target = { host: '127.0.0.1', port, localAddress, rejectUnauthorized: false };
    const socket = connect(target);
    sockets.add(socket);
    socket.on('error', () => {}).resume();
    socket.once('close', () => {
      closed += 1;
      holding.delete(socket);
    });
    socket.once('secureConnect', () => {
      socket.write(
        `POST /mutate/pods HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${bodyBytes}\r\n\r\n`,
      );
      const body = Readable.from(chunks());
      body.once('end', () => holding.add(socket));
      body.on('error', () => {}).pipe(socket, { end: false });
    });
  };
  for (let index = 0; index < count; index += 1) hold();
  return {
    get held() {
      return holding.size;
    },
    get closed() {
      return closed;
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

function* chunks(): Generator<Buffer> {
  let left = bodyBytes - 1;
  for (; left > chunk.length; left -= chunk.length) yield chunk;
  yield chunk.subarray(0, left);
}
