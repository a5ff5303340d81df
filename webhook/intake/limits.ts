// SPDX-License-Identifier: Apache-2.0

import { isIPv6, type Socket } from 'node:net';
import type { Log } from '../../runtime/log.ts';

const MiB = 1024 * 1024;

/**
 * The limits on connections and bodies. They keep the webhook below the chart's memory limit of 512 MiB. V8 uses at
 * most half of it for old objects. With 5,000 nodes, the cluster and code take about 40 MiB of that half. Parsed values
 * take up to 100 MiB for small bodies, and 50 MiB for large ones (parse-in-turn.ts). New objects take up to 48 MiB.
 * Outside V8's heap, bodies take 56 MiB, and 768 connections 50 MiB. The measured peak is 414 MiB
 * (docs/explanation/decisions/0022-node-plugin-returns-unused-memory.md).
 */
export const usualLimits = {
  /** All open connections. */
  connections: 768,
  /** Open connections of one client. An API server opens one connection for each concurrent request, up to 200. */
  clientConnections: 256,
  /** Connections whose TLS handshake is not finished. */
  handshakes: 384,
  clientHandshakes: 224,
  /** The maximum time for a TLS handshake, which usually takes much less. */
  handshakeMs: 5_000,
  /** The maximum time from the start of a connection or request to its complete header. */
  headerMs: 5_000,
  /**
   * The maximum number of bytes of a body, more than any admission request has. etcd limits an object to 1.5 MiB, and
   * the API server limits a request to 3 MiB. An UPDATE contains the object twice. JSON inside JSON grows because of
   * its escapes.
   */
  bodyBytes: 7 * MiB,
  /**
   * The maximum time from the header to the complete body. By default, an API server waits equally long for the answer.
   */
  bodyMs: 10_000,
  /** The bytes of a body that must arrive in each `progressMs`. */
  progressBytes: 32 * 1024,
  progressMs: 2_000,
  /** Bytes of all bodies in flight: arriving, waiting, or under review. */
  bytes: 56 * MiB,
  clientBytes: 28 * MiB,
  /** Added to the bytes of each body, for its request object and the values of a small body. */
  bodyOverheadBytes: 16 * 1024,
  /**
   * The maximum number of JSON values in one body. Each value takes up to 200 bytes of memory, and 2 µs to parse. The
   * API server's largest objects have one value per ten bytes, in `managedFields`.
   */
  bodyValues: 250_000,
} as const;

export type IntakeLimits = { readonly [Name in keyof typeof usualLimits]: number };

/**
 * The reasons to refuse a connection or request before any rule runs. Each is a label value of a metric
 * (docs/how-to/monitor.md).
 */
export const refusalReasons = {
  connections: 'all clients together have reached the connection limit',
  'client-connections': 'a client has reached its connection limit',
  handshakes: 'too many TLS handshakes are unfinished',
  'handshake-failed': 'a TLS handshake failed or took too long',
  'client-certificate': 'a client has no certificate that --client-ca-file and --client-names accept',
  header: 'the header of a request is malformed or arrived too slowly',
  'body-size': 'a body is larger than the limit for admission requests',
  'body-values': 'a body has more JSON values than the limit for admission requests',
  'body-slow': 'a body arrived too slowly',
  bytes: 'the bodies in memory exceed the limit together',
  queue: 'too many large requests are waiting',
} as const satisfies Record<string, string>;
export type RefusalReason = keyof typeof refusalReasons;

/** Counts a refusal, and logs it. */
export type Refuse = (reason: RefusalReason, client: string) => void;

/**
 * Returns a function that counts and logs refusals. `log` must limit the rate of warnings, because any client that
 * reaches the port can cause them.
 */
export function createRefuse(recorder: { refusal(reason: RefusalReason): void }, log: Pick<Log, 'warn'>): Refuse {
  return (reason, client) => {
    recorder.refusal(reason);
    log.warn(
      { client, reason, cause: refusalReasons[reason] },
      messages[isConnection(reason) ? 'connection' : 'request'],
    );
  };
}

const messages = { connection: 'a connection was refused', request: 'a request was refused' } as const;

function isConnection(reason: RefusalReason): boolean {
  return /connections|handshake|certificate/.test(reason);
}

/** A request whose body is refused before it is parsed. */
export class RequestRefused extends Error {
  readonly reason: RefusalReason;
  readonly statusCode: number;

  constructor(reason: RefusalReason, statusCode: number, message: string) {
    super(message);
    this.reason = reason;
    this.statusCode = statusCode;
  }
}

/**
 * A request whose client disconnected before the body was complete. It is logged at debug level, because any client can
 * cause it at any rate. Its answer has no reader.
 */
export class ClientGone extends Error {}

/** The clients of open connections, because each connection carries many requests. */
const clients = new WeakMap<Socket, string>();

/** Returns the client of a connection, as `clientOf` does. */
export function clientOfSocket(socket: Socket): string {
  return clients.getOrInsertComputed(socket, ({ remoteAddress }) => clientOf(remoteAddress));
}

/**
 * Returns the client to which all limits attribute an address. For IPv4, that is the address, even if it is written as
 * `::ffff:10.0.0.1`. For IPv6, it is the /64, because one host can use every address in it.
 *
 * @example clientOf('2001:db8:0:1:a::b') // '2001:db8:0:1::/64'
 */
export function clientOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const [bare = ''] = address.split('%');
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(bare) ?? [];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::');
  const first = head === '' ? [] : head.split(':');
  // Replaces a dotted ending with two groups, because only the number of groups matters here.
  const last = tail === undefined || tail === '' ? [] : tail.replace(/\d+\.\d+\.\d+\.\d+$/, '0:0').split(':');
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  const groups = tail === undefined ? first : [...first, ...zeros, ...last];
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(':')}::/64`;
}
