// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { createSecureContext, getCiphers, type SecureContextOptions } from 'node:tls';
import { MacvtapError } from '../../runtime/errors.ts';
import type { Flag } from '../../runtime/flags.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { watchDirectory } from '../../runtime/watch-directory.ts';

/** The values of `--tls-min-version`, with the names that Kubernetes uses. */
export const tlsVersions = ['VersionTLS12', 'VersionTLS13'] as const;

const versions = { VersionTLS12: 'TLSv1.2', VersionTLS13: 'TLSv1.3' } as const;

/** The default settings of a server: TLS 1.2 or newer, with the cipher suites of Node.js. */
export const tlsDefaults = { minVersion: 'TLSv1.2' } as const satisfies SecureContextOptions;

/**
 * Maps the IANA names of TLS 1.2 cipher suites, which Kubernetes uses, to the names of Node.js (OpenSSL). It contains
 * all suites of Go that OpenSSL still has. The source is crypto/tls/cipher_suites.go (CipherSuites and
 * InsecureCipherSuites).
 */
const ianaNames: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  // Go's old names of the two suites above. Kubernetes still accepts them.
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
};

/** The suites of TLS 1.3. Their IANA and OpenSSL names are equal. As in Go, they are not configurable. */
const tls13Suites = ['TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256'] as const;

/** The OpenSSL names of TLS 1.2 suites, which Node.js lists in lower case. */
const opensslNames: ReadonlySet<string> = new Set(
  getCiphers()
    .map((name) => name.toUpperCase())
    .filter((name) => !name.startsWith('TLS_')),
);

/**
 * Creates a flag for a comma-separated list of TLS 1.2 cipher suites. The list may contain IANA and OpenSSL names. The
 * value of the flag contains OpenSSL names. TLS 1.3 suites are accepted, because lists for other Kubernetes components
 * contain them, but they have no effect. A list without any TLS 1.2 suite is refused.
 */
export function cipherSuitesFlag(description: string): Flag<readonly string[]> {
  return { placeholder: 'SUITES', description, defaultText: '', read: readCipherSuites };
}

function readCipherSuites(text: string) {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const found = names.map((name) => ({ name, suite: suiteOf(name) }));
  const unknown = found.filter(({ suite }) => suite === undefined).map(({ name }) => name);
  if (unknown.length > 0) {
    const example = 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 or ECDHE-ECDSA-AES128-GCM-SHA256';
    return { fault: `unknown: ${unknown.join(', ')}; write IANA or OpenSSL names, for example ${example}` };
  }
  const value = [...new Set(found.map(({ suite = '' }) => suite).filter((suite) => opensslNames.has(suite)))];
  if (names.length > 0 && value.length === 0) {
    return { fault: 'no suite of TLS 1.2; add one, or set --tls-min-version=VersionTLS13 instead' };
  }
  return { value };
}

function suiteOf(name: string): string | undefined {
  if (tls13Suites.some((suite) => suite === name) || opensslNames.has(name)) return name;
  const suite = Object.hasOwn(ianaNames, name) ? ianaNames[name] : undefined;
  return suite !== undefined && opensslNames.has(suite) ? suite : undefined;
}

export interface TlsFlags {
  readonly 'tls-min-version': (typeof tlsVersions)[number];
  readonly 'tls-cipher-suites': readonly string[];
}

/** Returns the settings of the server. An empty list of suites keeps the suites of Node.js. */
export function readTlsSettings(flags: TlsFlags): SecureContextOptions {
  const suites = flags['tls-cipher-suites'];
  return {
    minVersion: versions[flags['tls-min-version']],
    // Add the suites of TLS 1.3, because Node.js refuses TLS 1.3 if the list has none of them.
    ...(suites.length > 0 && { ciphers: [...tls13Suites, ...suites].join(':') }),
  };
}

/** The CAs that verify the certificates of clients. */
export interface ClientCa extends Disposable {
  /** PEM. */
  readonly current: string;
  onChange(listener: () => void): Disposable;
}

export interface FollowClientCaOptions {
  readonly file: string;
  /** Called when the file becomes unusable. The previous CAs then stay in use. */
  readonly onUnusable: (error: MacvtapError) => void;
  readonly pollMs?: number;
}

/**
 * The symbolic link that kubelet replaces when a mounted ConfigMap changes. Each file of the ConfigMap is a link to a
 * path below this one.
 */
const kubeletLink = '..data';

/**
 * Follows the file of `--client-ca-file`. Raises ClientCaUnusable if the file is unusable at the start, because it then
 * has none to fall back on.
 */
export function followClientCa({ file, onUnusable, pollMs = 5_000 }: FollowClientCaOptions): ClientCa {
  const path = resolve(file);
  const listeners = createListeners();
  let current = readCas(path);
  let reported: string | undefined;
  const look = (): void => {
    try {
      const found = readCas(path);
      reported = undefined;
      if (found === current) return;
      current = found;
      listeners.notify();
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      if (error.message !== reported) onUnusable(error);
      reported = error.message;
    }
  };
  const watching = watchDirectory({
    directory: dirname(path),
    isRelevant: (name) => name === basename(path) || name === kubeletLink,
    pollMs,
    onChange: look,
  });
  return {
    get current() {
      return current;
    },
    onChange: listeners.add,
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}

function readCas(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8');
    if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new Error('the file contains no certificate');
    createSecureContext({ ca: pem });
    return pem;
  } catch (cause) {
    throw new MacvtapError(
      'ClientCaUnusable',
      `cannot use the client CAs in ${path}: ${MacvtapError.from(cause).message}; write PEM certificates`,
      {
        cause,
      },
    );
  }
}
