// SPDX-License-Identifier: Apache-2.0
import type { Server } from 'node:net';
import { MacvtapError } from './errors.ts';
import type { Flag } from './flags.ts';
import { pause } from './pause.ts';

/** The address of a server. Port 0 means any free port. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Creates a flag for an address: `127.0.0.1:8443`, `[::1]:8443`, `localhost:0`, or `:8443` for every address of the
 * host. Without a default, the value is undefined if the flag is not set.
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

/** Makes a server listen and returns its actual address. Raises ListenFailed. */
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

/**
 * Makes a server listen again on its address after accept(2) fails, until disposed. Without a handler for that error,
 * the process would end. Without the delay, accept would fail again in each turn of the event loop. Open connections
 * are not affected.
 */
export function listenAgainOnError(server: Server, address: ListenAddress, delayMs = 1_000): Disposable {
  const stopping = new AbortController();
  let isWaiting = false;
  const onError = async (): Promise<void> => {
    if (isWaiting) return;
    isWaiting = true;
    server.close();
    await pause(delayMs, stopping.signal, { ref: false });
    isWaiting = false;
    // If this fails, the server emits another error and the next attempt follows.
    if (!stopping.signal.aborted) server.listen({ ...address });
  };
  server.on('error', onError);
  return { [Symbol.dispose]: () => stopping.abort() };
}

/** Formats an address: `127.0.0.1:8443` or `[::1]:8443`. */
export function formatAddress({ host, port }: ListenAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const advice: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process uses the port; stop it or choose another port',
  EACCES: 'ports below 1024 need CAP_NET_BIND_SERVICE; choose another port',
  EADDRNOTAVAIL: 'no interface has this address',
  ENOTFOUND: 'the host name cannot be resolved',
};

/** Converts the error of `listen` to ListenFailed, with the address, the system's message and the next step. */
export function listenFailed(address: ListenAddress, thrown: unknown): MacvtapError {
  const { code = '', message } = thrown as NodeJS.ErrnoException;
  const next = advice[code] ?? 'choose another address';
  return new MacvtapError('ListenFailed', `cannot listen on ${formatAddress(address)}: ${message}; ${next}`, {
    facts: { address: formatAddress(address), errno: code },
    cause: thrown,
  });
}
