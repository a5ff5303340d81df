// SPDX-License-Identifier: Apache-2.0
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { canonicalName } from './names.ts';
import type { Authority, Pair } from './pair.ts';

/** The pair, or why there is none. */
export type PairReading =
  | { readonly pair: Pair; readonly fault?: undefined }
  | { readonly pair?: undefined; readonly fault: string };

/**
 * Reads a certificate with its key, and finds who signed it. What is read may be anything: half a file, the key of another
 * certificate, a key that the TLS library refuses. Neither the clock nor the wanted names are looked at: an expired
 * pair is still a pair.
 */
export function readPair(certPem: string, keyPem: string, authorities: readonly X509Certificate[]): PairReading {
  const certificate = readCertificate(certPem);
  if (certificate === undefined) return { fault: 'the certificate cannot be read' };
  const unfit = findUnfit(certificate, certPem, keyPem);
  if (unfit !== undefined) return { fault: unfit };
  const issuer = authorities.find((authority) => signed(authority, certificate));
  if (issuer === undefined) return { fault: 'none of the authorities beside it signed the certificate' };
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

/** The first certificate of a text; undefined where it begins with none. */
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

/** Why no server can serve the certificate with this key; undefined where one can. */
export function findUnfit(certificate: X509Certificate, certPem: string, keyPem: string): string | undefined {
  try {
    if (!certificate.checkPrivateKey(createPrivateKey(keyPem))) return 'the key is not the one of the certificate';
  } catch {
    // OpenSSL's text says which of its decoders failed, and nothing that helps.
    return 'the key cannot be read';
  }
  try {
    // What a server would be told when it begins to serve the pair: keys that are too short, broken intermediate ones.
    createSecureContext({ cert: certPem, key: keyPem });
    return undefined;
  } catch (thrown) {
    return `TLS does not take the certificate and its key: ${(thrown as Error).message}`;
  }
}

/** Names and addresses that the certificate is for, in one spelling. */
function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  // A name with a comma or a quote is written as a JSON string (CVE-2021-44532); no such name is asked for.
  return [...subjectAltName.matchAll(/(?:^|, )(?:DNS|IP Address):([^," ]+)/g)].map(([, name = '']) =>
    canonicalName(name),
  );
}

function signed(authority: X509Certificate, certificate: X509Certificate): boolean {
  try {
    return authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  } catch {
    // A public key of a kind that OpenSSL does not know.
    return false;
  }
}
