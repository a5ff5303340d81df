// SPDX-License-Identifier: Apache-2.0
import { X509Certificate } from 'node:crypto';
import type { SecureContextOptions, Server } from 'node:tls';
import { MacvtapError } from '../../runtime/errors.ts';
import type { CertificateSource, ServingPair } from './certificate-source.ts';

/** The oldest protocol that is spoken. */
export const tlsDefaults = { minVersion: 'TLSv1.2' } as const satisfies SecureContextOptions;

export interface FollowCertificateOptions {
  readonly server: Pick<Server, 'setSecureContext'>;
  readonly source: CertificateSource;
  /** A certificate is in use; from when to when, in milliseconds since the epoch, and its serial number. */
  readonly onServed: (served: {
    readonly startsMs: number;
    readonly expiresMs: number;
    readonly serial: string;
  }) => void;
  /** A pair that cannot be served with; the one before stays in use. */
  readonly onFault: (error: MacvtapError) => void;
}

/** The certificate in use. */
export interface FollowedCertificate extends Disposable {
  readonly isLoaded: boolean;
}

/**
 * Gives a server each new certificate as it comes; connections that are open keep theirs. The time is not looked at here:
 * whether a certificate has expired is for the clients to say, whose clock may be the better one.
 */
export function followCertificate(options: FollowCertificateOptions): FollowedCertificate {
  const { server, source, onServed, onFault } = options;
  let loaded: ServingPair | undefined;
  const apply = (): void => {
    if (source.current === undefined) return;
    const { certPem, keyPem } = source.current;
    if (certPem === loaded?.certPem && keyPem === loaded.keyPem) return;
    try {
      const { validFromDate, validToDate, serialNumber } = new X509Certificate(certPem);
      server.setSecureContext({ ...tlsDefaults, cert: certPem, key: keyPem });
      loaded = { certPem, keyPem };
      onServed({ startsMs: validFromDate.getTime(), expiresMs: validToDate.getTime(), serial: serialNumber });
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      onFault(new MacvtapError('CertificateUnusable', `the new certificate cannot be served: ${text}`, { cause }));
    }
  };
  const following = source.onChange(apply);
  apply();
  return {
    get isLoaded() {
      return loaded !== undefined;
    },
    [Symbol.dispose]: () => following[Symbol.dispose](),
  };
}
