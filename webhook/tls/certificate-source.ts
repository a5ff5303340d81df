// SPDX-License-Identifier: Apache-2.0

/** A serving certificate with its chain, and its private key. */
export interface ServingPair {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A step in the life of a certificate that replicas share. */
export interface CertificateStep {
  /** @example 'publish-next' */
  readonly what: string;
  /** What was made, what is now current, or what is now served. */
  readonly pair: { readonly serial: string; readonly notAfterMs: number } | undefined;
}

/** Where the serving certificate comes from; certs/ has those that there are. */
export interface CertificateSource {
  /** What to serve now: checked by whoever gives it out. Undefined until there is one. */
  readonly current: ServingPair | undefined;
  /** What is wrong now; empty when all is well. What was loaded before is served on. */
  readonly faults: readonly { readonly code: string; readonly message: string }[];
  /** Called after `current` or `faults` changed, until the returned scope ends. */
  onChange(listener: () => void): Disposable;
}
