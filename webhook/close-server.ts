// SPDX-License-Identifier: Apache-2.0
import type { Server, Socket } from 'node:net';

/** Ends what a server still has open, if it must. */
export interface Connections {
  /**
   * Awaits `close`, which stops to listen and lets what is under way end; whatever is still connected after the grace is
   * cut. Without it a client that connected and never sent a request, or never finished its TLS handshake, would hold
   * the process for a minute or two (headersTimeout, handshakeTimeout).
   */
  endAfter(close: () => Promise<void>, graceMs: number): Promise<void>;
}

/** Keeps track of the connections of a server, from before it listens. */
export function trackConnections(server: Server): Connections {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return {
    async endAfter(close, graceMs) {
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      try {
        await close();
      } finally {
        clearTimeout(cut);
      }
    },
  };
}
