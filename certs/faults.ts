// SPDX-License-Identifier: Apache-2.0

/**
 * Every way in which the certificate's upkeep can be stuck; what is being served is served on. The codes are a contract:
 * docs/webhook.md has the same table.
 */
export const certificateFaultCodes = {
  StoreUnavailable: 'the store of the certificate can be neither read nor written',
  StateBroken: 'parts of what the store holds cannot be used',
  BundleNotPublished: 'the authorities to trust could not be brought to those who must trust them',
  CertificateNotMade: 'a new certificate could not be made',
  FilesUnusable: 'the certificate files that somebody else keeps cannot be used',
} as const satisfies Record<string, string>;

export type CertificateFaultCode = keyof typeof certificateFaultCodes;

export interface CertificateFault {
  readonly code: CertificateFaultCode;
  /** What is wrong and what to do. */
  readonly message: string;
}

/** `thrown` says it in its own words, or is the words. */
export function certificateFault(code: CertificateFaultCode, thrown: unknown): CertificateFault {
  return { code, message: thrown instanceof Error ? thrown.message : String(thrown) };
}
