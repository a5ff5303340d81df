// SPDX-License-Identifier: Apache-2.0
import type { X509Certificate } from 'node:crypto';
import { readCertificate } from './read-pair.ts';

/**
 * Every authority of a bundle, each once, in the order of the text. Whatever else stands there is left out, and told by
 * `broken`: certificates that cannot be read, that are no authority's, or that come after the first 32.
 */
export function readAuthorities(bundle: string): {
  readonly authorities: readonly X509Certificate[];
  readonly broken: number;
} {
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = bundle.split('-----BEGIN CERTIFICATE-----').length - 1;
  const found = new Map<string, X509Certificate>();
  let broken = begun - Math.min(blocks.length, maxAuthorities);
  for (const block of blocks.slice(0, maxAuthorities)) {
    const certificate = readCertificate(block);
    if (certificate?.ca) found.set(certificate.fingerprint256, certificate);
    else broken += 1;
  }
  return { authorities: [...found.values()], broken };
}

/** Ours are at most three or four; a text of a megabyte must not cost the time to read all that it holds. */
const maxAuthorities = 32;
