// SPDX-License-Identifier: Apache-2.0
import { randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { generate } from 'selfsigned';
import { canonicalName } from './names.ts';
import type { Pair } from './pair.ts';
import { readPair } from './read-pair.ts';

export interface PairRequest {
  /** DNS names and addresses: `['kube-macvtap-webhook.macvtap-cni.svc', '127.0.0.1']`. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Makes a serving pair and an authority for it alone, both on P-256. The authority's key signs this one certificate and is
 * forgotten: nobody who reads the Secret can sign another, and a renewal needs it no more, since it has an authority of
 * its own.
 */
export async function makePair({ names, notBeforeMs, notAfterMs }: PairRequest): Promise<Pair> {
  // 16 MB that only the replica that makes a pair has to have, and that one once in months.
  // By the name `default`, which a CommonJS module has in a bundle, too.
  const { generate } = (await import('selfsigned')).default;
  const validity = { notBeforeDate: new Date(notBeforeMs), notAfterDate: new Date(notAfterMs) };
  const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256', ...validity } as const;
  const authority = await generate(authoritySubject(), { ...common, extensions: [...authorityExtensions] });
  const serving = await generate([{ name: 'commonName', value: 'kube-macvtap webhook' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [...servingExtensions, { name: 'subjectAltName', altNames: names.map(altName) }],
  });
  const { pair, fault } = readPair(`${serving.cert}\n`, serving.private, [new X509Certificate(authority.cert)]);
  if (pair === undefined) throw new Error(`the certificate that was just made cannot be used: ${fault}`);
  return pair;
}

type Extension = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>[number];

/** Extensions by RFC 5280, 4.2.1: an authority under which there is none, for serving certificates. */
const authorityExtensions: readonly Extension[] = [
  { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];

const servingExtensions: readonly Extension[] = [
  { name: 'basicConstraints', cA: false, critical: true },
  { name: 'keyUsage', digitalSignature: true, critical: true },
  { name: 'extKeyUsage', serverAuth: true },
];

/** What the common name of every authority of ours begins with. */
export const authorityNamePrefix = 'kube-macvtap webhook CA ';

/** Each authority has a name of its own: a client that knows several finds the issuer of a certificate by its name. */
function authoritySubject(): { name: string; value: string }[] {
  return [{ name: 'commonName', value: `${authorityNamePrefix}${randomBytes(8).toString('hex')}` }];
}

/** GeneralName, RFC 5280, 4.2.1.6: 2 is dNSName, 7 is iPAddress. */
function altName(name: string): { type: 2; value: string } | { type: 7; ip: string } {
  return isIP(name) === 0 ? { type: 2, value: canonicalName(name) } : { type: 7, ip: canonicalName(name) };
}
