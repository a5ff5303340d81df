// SPDX-License-Identifier: Apache-2.0

/** A certificate authority that clients must trust; its key is gone since it signed its one certificate. */
export interface Authority {
  /** One certificate, written as OpenSSL writes it, with a newline at its end. */
  readonly pem: string;
  readonly notAfterMs: number;
}

/** A serving certificate and its key, checked: they belong together, and the authority signed the certificate. */
export interface Pair {
  /** The certificate, then, if somebody put them there, intermediate ones. */
  readonly certPem: string;
  readonly keyPem: string;
  readonly authority: Authority;
  /** Upper-case hexadecimal, as X509Certificate has it. @example '23963417E55D37C92E' */
  readonly serial: string;
  /** The later beginning of certificate and authority, in milliseconds since 1970. */
  readonly notBeforeMs: number;
  /** The earlier end of both. */
  readonly notAfterMs: number;
  /** DNS names in lower case, and addresses as `canonicalName` writes them. */
  readonly names: readonly string[];
}

/** All that the replicas share: what the Secret, or the directory, says. */
export interface CertificateState {
  /** What is to be served. */
  readonly current?: Pair;
  /** What will be served as soon as every client can be supposed to trust it. */
  readonly next?: Pair;
  /** Authorities of pairs that some replica may still serve. */
  readonly older: readonly Authority[];
}
