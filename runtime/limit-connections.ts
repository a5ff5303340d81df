// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { Server, Socket } from 'node:net';

/** Marks the connections of a server that have work in progress. */
export interface ConnectionLimit {
  /** Marks a connection as busy until the returned scope ends. Scopes of one connection may overlap. */
  busy(socket: Socket): Disposable;
}

/**
 * Keeps at most `limit` connections of a server open. When one more arrives, the connection that has been idle for the
 * longest time is closed. If all other connections are busy, the new connection is closed. Idle connections therefore
 * cannot use up the file descriptors of the process, and cannot lock out other clients.
 */
export function limitConnections(server: Server, limit: number): ConnectionLimit {
  const open = new Set<Socket>();
  /** Idle connections in the order in which they became idle. */
  const idle = new Set<Socket>();
  const scopes = new Map<Socket, number>();
  const forget = (socket: Socket): void => {
    open.delete(socket);
    idle.delete(socket);
    scopes.delete(socket);
  };
  server.prependListener('connection', (socket: Socket) => {
    open.add(socket);
    idle.add(socket);
    socket.once('close', () => forget(socket));
    if (open.size <= limit) return;
    const [oldest = socket] = idle;
    // Remove the connection now. 'close' comes later, and the next connection may already be waiting.
    forget(oldest);
    oldest.destroy();
  });
  return {
    busy(socket) {
      idle.delete(socket);
      scopes.set(socket, (scopes.get(socket) ?? 0) + 1);
      return {
        [Symbol.dispose]() {
          const left = (scopes.get(socket) ?? 0) - 1;
          scopes.set(socket, left);
          if (left > 0) return;
          scopes.delete(socket);
          if (open.has(socket)) idle.add(socket);
        },
      };
    },
  };
}

/**
 * Returns the most connections that a server may have. That is `most`, or a quarter of the file descriptors that the
 * process may open beyond its reserve, whichever is less. A request needs up to three more descriptors while it is
 * handled.
 *
 * @example connectionsWithin(512) is 4 with a limit of 64 open files, 244 with 1024, and 512 from 2096 on.
 */
export function connectionsWithin(most: number, openFiles: number = readOpenFilesLimit()): number {
  return Math.max(fewest, Math.min(most, Math.floor((openFiles - reserve) / 4)));
}

/** The file descriptors of an idle node plugin with one resource (34 to 47), rounded up. */
const reserve = 48;

const fewest = 4;

/**
 * Reads the soft limit of open files ("Max open files" in proc_pid_limits(5)). Node.js raises it to the hard limit at
 * startup.
 */
function readOpenFilesLimit(): number {
  const [, soft] = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}
