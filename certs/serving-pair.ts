// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { generate } from 'selfsigned';
import { type Authority, canonicalName, type Pair } from './certificate-state.ts';

/** A pair, or the reason why the texts are not a pair. */
export type PairReading =
  | { readonly pair: Pair; readonly problem?: undefined }
  | { readonly pair?: undefined; readonly problem: string };

/**
 * Reads a certificate with its key, and finds the CA that signed it. Returns a problem if the texts are unusable: a
 * file is incomplete, the key belongs to another certificate, or the TLS library refuses the key. Times and names are
 * not checked, so an expired pair is still returned.
 */
export function readPair(certPem: string, keyPem: string, authorities: readonly X509Certificate[]): PairReading {
  const certificate = readCertificate(certPem);
  if (certificate === undefined) return { problem: 'the certificate cannot be read' };
  const unfit = findUnfit(certificate, certPem, keyPem);
  if (unfit !== undefined) return { problem: unfit };
  const issuer = authorities.find((authority) => signed(authority, certificate));
  if (issuer === undefined) return { problem: 'no CA in ca.crt signed the certificate' };
  const authority = toAuthority(issuer);
  return {
    pair: {
      certPem,
      keyPem,
      authority,
      serial: certificate.serialNumber,
      notBeforeMs: Math.max(certificate.validFromDate.getTime(), issuer.validFromDate.getTime()),
      notAfterMs: Math.min(certificate.validToDate.getTime(), authority.notAfterMs),
      names: namesOf(certificate),
    },
  };
}

/** Returns the first certificate of a text, or undefined if the text does not begin with one. */
export function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

export function toAuthority(certificate: X509Certificate): Authority {
  return { pem: certificate.toString(), notAfterMs: certificate.validToDate.getTime() };
}

/** Returns the reason why a server cannot use the certificate with this key, or undefined if there is none. */
export function findUnfit(certificate: X509Certificate, certPem: string, keyPem: string): string | undefined {
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return 'the key does not belong to the certificate';
  } catch {
    // OpenSSL's message is omitted, because it only names the decoder that failed.
    return 'the key cannot be read';
  }
  try {
    // Like a server, this refuses keys that are too short, and broken intermediate certificates.
    createSecureContext({ cert: certPem, key: keyPem });
    return undefined;
  } catch (thrown) {
    return `TLS rejects the certificate and its key: ${(thrown as Error).message}`;
  }
}

/** Returns the certificate's DNS names and addresses in their canonical spelling. */
function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  // Node.js writes a name with a comma or a quote as a JSON string (CVE-2021-44532). The pattern skips such a name,
  // because no client uses it.
  return [...subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^," ]+)/g)].map(([, name = '']) =>
    canonicalName(name),
  );
}

function signed(authority: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  } catch {
    // OpenSSL does not support this type of public key.
    return false;
  }
}

/**
 * Returns each CA of a bundle once, in the order of the text. `broken` is the number of certificates that are left out:
 * they are unreadable, are not CA certificates, or come after the first 32.
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

/**
 * The maximum number of CAs that are read from a bundle. The webhook publishes at most three or four. The limit bounds
 * the time for reading a bundle of a megabyte.
 */
const maxAuthorities = 32;

export interface PairRequest {
  /** DNS names and addresses: `['kube-macvtap-webhook.macvtap-cni.svc', '127.0.0.1']`. */
  readonly names: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/**
 * Creates a serving pair and a CA for this pair only, both on P-256. The CA's key signs this one certificate and is
 * then discarded, so a reader of the Secret cannot sign other certificates. Each renewal creates a new CA.
 */
export async function makePair({ names, notBeforeMs, notAfterMs }: PairRequest): Promise<Pair> {
  // Imported on demand: the module takes 16 MB, and a single replica needs it every few months. In a bundle, a CommonJS
  // module has its exports in `default`.
  const { generate } = (await import('selfsigned')).default;
  const validity = { notBeforeDate: new Date(notBeforeMs), notAfterDate: new Date(notAfterMs) };
  const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256', ...validity } as const;
  const authority = await generate(authoritySubject(), { ...common, extensions: [...authorityExtensions] });
  const serving = await generate([{ name: 'commonName', value: 'kube-macvtap webhook' }], {
    ...common,
    ca: { key: authority.private, cert: authority.cert },
    extensions: [...servingExtensions, { name: 'subjectAltName', altNames: names.map(altName) }],
  });
  const { pair, problem } = readPair(`${serving.cert}\n`, serving.private, [new X509Certificate(authority.cert)]);
  if (pair === undefined) throw new Error(`the new certificate is unusable: ${problem}`);
  return pair;
}

type Extension = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>[number];

/** The extensions (RFC 5280, 4.2.1) of a CA that can sign serving certificates but not other CA certificates. */
const authorityExtensions: readonly Extension[] = [
  { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
  { name: 'keyUsage', keyCertSign: true, critical: true },
];

const servingExtensions: readonly Extension[] = [
  { name: 'basicConstraints', cA: false, critical: true },
  { name: 'keyUsage', digitalSignature: true, critical: true },
  { name: 'extKeyUsage', serverAuth: true },
];

/** The prefix of the common names of all CAs that this file makes. */
export const authorityNamePrefix = 'kube-macvtap webhook CA ';

/**
 * Returns a unique name for a CA, because a client that trusts several CAs finds the issuer of a certificate by name.
 */
function authoritySubject(): { name: string; value: string }[] {
  return [{ name: 'commonName', value: `${authorityNamePrefix}${randomBytes(8).toString('hex')}` }];
}

/** A GeneralName (RFC 5280, 4.2.1.6). Type 2 is dNSName, and type 7 is iPAddress. */
function altName(name: string): { type: 2; value: string } | { type: 7; ip: string } {
  return isIP(name) === 0 ? { type: 2, value: canonicalName(name) } : { type: 7, ip: canonicalName(name) };
}
