// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { clientOf, type IntakeLimits, type Refuse } from './limits.ts';

type Limits = Pick<IntakeLimits, 'connections' | 'clientConnections' | 'handshakes' | 'clientHandshakes'>;

interface Connection {
  /** Remembered, because a destroyed socket loses its local address before it emits `close`. */
  readonly key: string;
  readonly client: string;
  readonly socket: Socket;
  isSecure: boolean;
  /** Whether a request on this connection was answered with 200, as the requests of an API server are. */
  hasReviewed: boolean;
  /** The requests that have not been answered yet. */
  readonly requests: Set<IncomingMessage>;
}

/**
 * Limits the connections of a server before any of their bytes are read. There are limits for all connections, for
 * those of one client, and for those whose TLS handshake is not finished. A new connection above a limit replaces an
 * idle one (see `findExcess`). If there is no idle one, the new connection is closed. Call this before the server
 * listens.
 */
export function limitConnections(server: Server, limits: Limits, refuse: Refuse): void {
  const open = new Map<string, Connection>();
  const bySocket = new WeakMap<Socket, Connection>();

  const admit = (client: string): boolean => {
    for (;;) {
      const excess = findExcess([...open.values()], client, limits);
      if (excess === undefined) return true;
      const { reason, victim } = excess;
      refuse(reason, victim?.client ?? client);
      if (victim === undefined) return false;
      open.delete(victim.key);
      victim.socket.destroy();
    }
  };
  const accept = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: Socket) => {
    const [key, client] = [keyOf(socket), clientOf(socket.remoteAddress)];
    if (socket.remoteAddress === undefined || !admit(client)) return void socket.destroy();
    const connection = {
      key,
      client,
      socket,
      isSecure: false,
      hasReviewed: false,
      requests: new Set<IncomingMessage>(),
    };
    open.set(key, connection);
    socket.once('close', () => {
      if (open.get(key) === connection) open.delete(key);
    });
    for (const listener of accept) listener.call(server, socket);
  });
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const connection = open.get(keyOf(socket));
    if (connection === undefined) return;
    connection.isSecure = true;
    bySocket.set(socket, connection);
  });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = bySocket.get(request.socket);
    if (connection === undefined) return;
    connection.requests.add(request);
    response.once('close', () => {
      connection.requests.delete(request);
      if (response.statusCode === 200 && response.writableFinished) connection.hasReviewed = true;
    });
  });
}

/** Returns the same key for a TCP connection and the TLS connection on it. */
function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return [remoteAddress, remotePort, localAddress].join();
}

/** A limit that a new connection would exceed, and the connection to close to make room. */
interface Excess {
  readonly reason: 'connections' | 'client-connections' | 'handshakes';
  readonly victim: Connection | undefined;
}

/**
 * Finds the limit that one more connection of a client would exceed, and the connection to close. Above the client's
 * limit, the oldest idle connection of that client is closed. Above the common limit, a connection of the client with
 * the most connections is closed, unless the new connection's client would then have more. The same applies to
 * unfinished handshakes. A client therefore never displaces connections of clients that have fewer.
 */
function findExcess(open: readonly Connection[], client: string, limits: Limits): Excess | undefined {
  const own = open.filter((connection) => connection.client === client);
  if (own.length >= limits.clientConnections) return { reason: 'client-connections', victim: findIdle(own) };
  if (open.length >= limits.connections) {
    const crowd = largestCrowd(open);
    return { reason: 'connections', victim: crowd.length > own.length ? findIdle(crowd) : findIdle(own) };
  }
  const unfinished = open.filter(({ isSecure }) => !isSecure);
  const ownUnfinished = unfinished.filter((connection) => connection.client === client);
  if (ownUnfinished.length >= limits.clientHandshakes) return { reason: 'handshakes', victim: ownUnfinished[0] };
  if (unfinished.length >= limits.handshakes) return { reason: 'handshakes', victim: largestCrowd(unfinished)[0] };
  return undefined;
}

/**
 * Returns the oldest connection that is not waiting for an answer, preferably one without a successful request. An API
 * server thus keeps its connections if another client has the same address.
 */
function findIdle(open: readonly Connection[]): Connection | undefined {
  const idle = open.filter(({ requests }) => requests.values().every(({ complete }) => !complete));
  return idle.find(({ hasReviewed }) => !hasReviewed) ?? idle[0];
}

/** Returns all connections of the client that has the most. */
function largestCrowd(open: readonly Connection[]): readonly Connection[] {
  const crowds = Map.groupBy(open, ({ client }) => client);
  return crowds.values().reduce<readonly Connection[]>((most, next) => (next.length > most.length ? next : most), []);
}

/** The error code of Node.js for a header, or a whole request, that took too long. */
const requestTimeout = 'ERR_HTTP_REQUEST_TIMEOUT';

/**
 * Reports connections that Node.js ends because of a failed handshake, a missing or wrong client certificate, or a
 * malformed or slow header. Connections that their client ends are not reported.
 */
export function watchFailures(server: Server, refuse: Refuse): void {
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const client = clientOf(socket.remoteAddress);
    if (lacksCertificate(error, socket)) refuse('client-certificate', client);
    else if (error.code !== 'ECONNRESET') refuse('handshake-failed', client);
  });
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const { remoteAddress } = socket as { readonly remoteAddress?: string };
    if (code === requestTimeout || code.startsWith('HPE_')) refuse('header', clientOf(remoteAddress));
  });
}

/**
 * Returns whether the client has no certificate, or a certificate that is rejected. A missing certificate causes an
 * OpenSSL error code. Node.js itself destroys the socket of a client whose certificate it rejects.
 */
function lacksCertificate({ code }: NodeJS.ErrnoException, { authorizationError }: TLSSocket): boolean {
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return true;
  return authorizationError !== undefined && authorizationError !== null;
}

/**
 * Closes each connection whose verified client certificate has none of these common names, before any request on it is
 * read. An empty list accepts every verified certificate.
 */
export function requireNames(server: Server, names: readonly string[], refuse: Refuse): void {
  if (names.length === 0) return;
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const found: string | string[] | undefined = socket.getPeerCertificate().subject?.CN;
    if (typeof found === 'string' && names.includes(found)) return;
    refuse('client-certificate', clientOf(socket.remoteAddress));
    socket.destroy();
  });
}

/** Ends the open connections of a server. */
export interface Connections {
  /**
   * Waits for `close`, which stops listening and lets requests finish. After the grace period, it cuts all remaining
   * connections. Otherwise, a client that never sends a request, or never finishes its handshake, would keep the
   * process alive for a minute or two (headersTimeout, handshakeTimeout).
   */
  endAfter(close: () => Promise<void>, graceMs: number): Promise<void>;
}

/** Tracks the connections of a server. Call it before the server listens. */
export function trackConnections(server: NetServer): Connections {
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
