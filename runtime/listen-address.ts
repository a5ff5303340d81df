// SPDX-License-Identifier: Apache-2.0
import type { Server } from 'node:net';
import { MacvtapError } from './errors.ts';
import type { Flag } from './flags.ts';

/** Where a server listens; port 0 is any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * `127.0.0.1:8443`, `[::1]:8443`, `localhost:0`; without a host, `:8443`, every address. Without a default it is undefined
 * where nobody gives it.
 */
export function listenFlag(description: string, defaultText: string): Flag<ListenAddress>;
export function listenFlag(description: string): Flag<ListenAddress | undefined>;
export function listenFlag(description: string, defaultText?: string): Flag<ListenAddress | undefined> {
  return {
    placeholder: 'HOST:PORT',
    description,
    defaultText,
    read: (text) => {
      const [, inBrackets, bare, port] = /^(?:\[([0-9a-fA-F:.%]+)\]|([^\s[\]:]*)):(\d{1,5})$/.exec(text) ?? [];
      if (port === undefined || Number(port) > 65_535) return { fault: 'write HOST:PORT, or [IPv6]:PORT' };
      return { value: { host: (inBrackets ?? bare) || '::', port: Number(port) } };
    },
  };
}

/** Makes a server listen; returns where it really does. Raises ListenFailed. */
export async function listen(server: Server, { host, port }: ListenAddress): Promise<ListenAddress> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host, port }, resolve);
  try {
    await promise;
  } catch (thrown) {
    throw listenFailed({ host, port }, thrown);
  } finally {
    server.off('error', reject);
  }
  const bound = server.address();
  return { host, port: typeof bound === 'object' && bound !== null ? bound.port : port };
}

/** `127.0.0.1:8443` or `[::1]:8443`. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has the port; end it or choose another one',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE; choose another one',
  EADDRNOTAVAIL: 'no interface has this address',
  ENOTFOUND: 'the host name is not known',
};

/** ListenFailed for what listening threw: names the address, the system's own text and what to do about it. */
export function listenFailed(address: ListenAddress, thrown: unknown): MacvtapError {
  const { code = '', message } = thrown as NodeJS.ErrnoException;
  const next = advice[code] ?? 'choose another address';
  return new MacvtapError('ListenFailed', `cannot listen on ${formatAddress(address)}: ${message}; ${next}`, {
    facts: { address: formatAddress(address), errno: code },
    cause: thrown,
  });
}
