// SPDX-License-Identifier: Apache-2.0
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Server as NetServer, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { clientOf, type IntakeLimits, type Refuse } from './limits.ts';

type Limits = Pick<IntakeLimits, 'connections' | 'clientConnections' | 'handshakes' | 'clientHandshakes'>;

interface Connection {
  /** The key from `keyOf`. Stored, because a destroyed socket loses its local address before it emits `close`. */
  readonly key: string;
  readonly client: string;
  readonly socket: Socket;
  isSecure: boolean;
  /** Whether a request on this connection was answered with 200. That is true for connections of an API server. */
  hasReviewed: boolean;
  /** The requests that have not been answered yet. */
  readonly requests: Set<IncomingMessage>;
}

/**
 * Limits the connections of a server before it reads any of their bytes. There are three limits: on all connections, on
 * those of one client, and on those with an unfinished TLS handshake. If a new connection exceeds a limit, `findExcess`
 * chooses a connection to close for it. If there is none to close, the new connection is closed. Call this before the
 * server listens.
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

/** Returns a key that is equal for a TCP connection and the TLS connection on top of it. */
function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string {
  return [remoteAddress, remotePort, localAddress].join();
}

/** The limit that a new connection would exceed, and the connection to close to make room. */
interface Excess {
  readonly reason: 'connections' | 'client-connections' | 'handshakes';
  readonly victim: Connection | undefined;
}

/**
 * Finds the limit that one more connection of a client would exceed, and the connection to close.
 *
 * - If the limit of the client is exceeded, an idle connection of that client is closed (`findIdle`).
 * - If the common limit is exceeded, an idle connection of the client with the most connections is closed. If no other
 *   client has more than this one, an idle connection of this client is closed.
 * - The same applies to the limits on unfinished handshakes, but the oldest of them is closed.
 *
 * A client therefore never displaces connections of a client that has fewer.
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
 * Returns the oldest connection that is not waiting for an answer. Connections without a successful request come first.
 * If another client has the same address as an API server, this protects the connections of the API server.
 */
function findIdle(open: readonly Connection[]): Connection | undefined {
  const idle = open.filter(({ requests }) => requests.values().every(({ complete }) => !complete));
  return idle.find(({ hasReviewed }) => !hasReviewed) ?? idle[0];
}

/** Returns the connections of the client that has the most. */
function largestCrowd(open: readonly Connection[]): readonly Connection[] {
  const crowds = Map.groupBy(open, ({ client }) => client);
  return crowds.values().reduce<readonly Connection[]>((most, next) => (next.length > most.length ? next : most), []);
}

/** The error code of Node.js for a header or request that takes too long. */
const requestTimeout = 'ERR_HTTP_REQUEST_TIMEOUT';

/** The error code of Node.js's HTTP parser if the client closes the connection during a request. */
const endedEarly = 'HPE_INVALID_EOF_STATE';

/**
 * Reports connections that Node.js closes: because of a failed handshake, a missing or wrong client certificate, or a
 * malformed or slow header. Connections that the client closes are not reported.
 */
export function watchFailures(server: Server, refuse: Refuse): void {
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    const client = clientOf(socket.remoteAddress);
    if (lacksCertificate(error, socket)) refuse('client-certificate', client);
    else if (error.code !== 'ECONNRESET') refuse('handshake-failed', client);
  });
  server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
    const { remoteAddress } = socket as { readonly remoteAddress?: string };
    if (code === requestTimeout || (code.startsWith('HPE_') && code !== endedEarly))
      refuse('header', clientOf(remoteAddress));
  });
}

/**
 * Returns whether the client has no certificate, or has one that is rejected. If the certificate is missing, the error
 * has an OpenSSL code. If it is rejected, Node.js destroys the socket and sets `authorizationError`.
 */
function lacksCertificate({ code }: NodeJS.ErrnoException, { authorizationError }: TLSSocket): boolean {
  if (code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE') return true;
  return authorizationError !== undefined && authorizationError !== null;
}

/**
 * Closes a connection if the common name of its verified client certificate is not one of these names. This happens
 * before any request on the connection is read. An empty list accepts every verified certificate.
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
   * Calls `close`, which stops listening and waits for requests to finish. After the grace period, cuts all remaining
   * connections. Without the cut, a client that sends no request, or never finishes its handshake, would keep the
   * process alive until a timeout of Node.js (headersTimeout, handshakeTimeout).
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
