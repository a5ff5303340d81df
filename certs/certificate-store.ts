// SPDX-License-Identifier: Apache-2.0
import { type Authority, authoritiesOf, bundleOf, type CertificateState, type Pair } from './certificate-state.ts';
import { authorityNamePrefix, readAuthorities, readPair, toAuthority } from './serving-pair.ts';

/** The content of a store and its version. A write names the version that it replaces. */
export interface StoredData {
  readonly data: StateData;
  /** The version, for example the resourceVersion of a Secret. */
  readonly version: string;
}

/** The place where replicas share the certificate: a Secret or a directory. Its errors name the next step. */
export interface CertificateStore {
  /** Reads the newest state, not a cached one. Returns undefined if there is no state, not even an empty one. */
  read(signal: AbortSignal): Promise<StoredData | undefined>;
  /**
   * Replaces the whole state at once if it still has the expected version. An undefined version means that there is no
   * state yet.
   */
  write(data: StateData, expectedVersion: string | undefined, signal: AbortSignal): Promise<WriteResult>;
  /** Calls the listener when the state may have changed. The caller must also poll. */
  watch?(listener: () => void): Disposable;
}

/** `conflict`: another writer was faster, and this write changed nothing. */
export type WriteResult = 'written' | 'conflict';

/** The places from which clients take the CAs that they trust: webhook configurations or a file. */
export interface BundlePublisher {
  /** Reads the newest publication. */
  read(signal: AbortSignal): Promise<Publication>;
  watch?(listener: () => void): Disposable;
}

export interface Publication {
  /** Changes with every write to any bundle, even if the write restores an old text. */
  readonly version: string;
  /** The bundle of every place that could be read; empty text for a place without a bundle. */
  readonly bundles: readonly string[];
  /** One message for each place that is missing or unreadable, with the next step. */
  readonly problems: readonly string[];
  /** Writes to each place that could be read, unless that place has changed in the meantime. */
  replace(bundle: string, signal: AbortSignal): Promise<WriteResult>;
}

/** The files of a state, each with its text: keys of a Secret or names in a directory. */
export type StateData = Readonly<Record<string, string>>;

/** Every key that a state can have. Other keys of a Secret are not part of the state and stay unchanged. */
export const stateKeys = ['tls.crt', 'tls.key', 'ca.crt', 'next-tls.crt', 'next-tls.key'] as const;

/** Encodes a state with the keys of kubernetes.io/tls and cert-manager. `ca.crt` contains every CA to trust. */
export function encodeState(state: CertificateState): StateData {
  const { current, next } = state;
  return {
    ...(current && { 'tls.crt': current.certPem, 'tls.key': current.keyPem }),
    ...(next && { 'next-tls.crt': next.certPem, 'next-tls.key': next.keyPem }),
    'ca.crt': bundleOf(state),
  };
}

export interface DecodedState {
  readonly state: CertificateState;
  /** The problems found in stored data; empty for an empty store. */
  readonly problems: readonly string[];
}

/** Decodes the usable parts of stored data. A person or an incomplete copy may have damaged other parts. */
export function decodeState(data: StateData): DecodedState {
  const { authorities, broken } = readAuthorities(data['ca.crt'] ?? '');
  const problems = broken === 0 ? [] : [`ca.crt: certificates that are unreadable or not of a CA: ${broken}`];
  const read = (certKey: string, keyKey: string): Pair | undefined => {
    const [certPem = '', keyPem = ''] = [data[certKey], data[keyKey]];
    // Both keys are also present in an empty Secret of type kubernetes.io/tls.
    if (certPem === '' && keyPem === '') return undefined;
    const { pair, problem } = readPair(certPem, keyPem, authorities);
    if (problem !== undefined) problems.push(`${certKey}, ${keyKey}: ${problem}`);
    return pair;
  };
  const current = read('tls.crt', 'tls.key');
  const next = read('next-tls.crt', 'next-tls.key');
  const pairs = { ...(current && { current }), ...(next && { next }), older: [] };
  const own = new Set(authoritiesOf(pairs).map(({ pem }) => pem));
  const older = authorities.map(toAuthority).filter(({ pem }) => !own.has(pem));
  return { state: { ...pairs, older }, problems };
}

/** Returns the CAs in a published bundle that this program made. People may have added other CAs. */
export function decodeBundle(bundle: string): readonly Authority[] {
  return readAuthorities(bundle)
    .authorities.filter(({ subject }) => subject?.startsWith(`CN=${authorityNamePrefix}`))
    .map(toAuthority);
}
