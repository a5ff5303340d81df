// SPDX-License-Identifier: Apache-2.0
import { type Authority, authoritiesOf, bundleOf, type CertificateState, type Pair } from './certificate-state.ts';
import { authorityNamePrefix, readAuthorities, readPair, toAuthority } from './serving-pair.ts';

/** The content of a store and its version. A write names the version that it expects to replace. */
export interface StoredData {
  readonly data: StateData;
  /** The version, for example the resourceVersion of a Secret. */
  readonly version: string;
}

/**
 * The store through which replicas share the certificate: a Secret or a directory. Its error messages include the next
 * step.
 */
export interface CertificateStore {
  /** Reads the newest state without a cache. Returns undefined if the store does not exist. */
  read(signal: AbortSignal): Promise<StoredData | undefined>;
  /**
   * Replaces the whole state atomically if its version is the expected one. An undefined version means that the store
   * must not exist yet.
   */
  write(data: StateData, expectedVersion: string | undefined, signal: AbortSignal): Promise<WriteResult>;
  /** Calls the listener when the state may have changed. Some changes may be missed, so the caller must also poll. */
  watch?(listener: () => void): Disposable;
}

/** `conflict` means that another writer was faster, and this write changed nothing. */
export type WriteResult = 'written' | 'conflict';

/** The places where clients find the CAs that they trust: webhook configurations, or a file. */
export interface BundlePublisher {
  /** Reads what is published now, without a cache. */
  read(signal: AbortSignal): Promise<Publication>;
  watch?(listener: () => void): Disposable;
}

export interface Publication {
  /** Changes with every write to any bundle, even if the write restores an earlier text. */
  readonly version: string;
  /** The bundle of each readable place. The text is empty if the place has no bundle. */
  readonly bundles: readonly string[];
  /** One message with the next step for each place that is missing or unreadable. */
  readonly problems: readonly string[];
  /** Writes the bundle to each readable place, unless the place has changed since this read. */
  replace(bundle: string, signal: AbortSignal): Promise<WriteResult>;
}

/** The files of a state and their texts. The names are keys of a Secret, or file names in a directory. */
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
  /** The problems of the stored data. An empty store has none. */
  readonly problems: readonly string[];
}

/**
 * Decodes the usable parts of stored data. Other parts may be damaged, for example by a person or an incomplete copy.
 */
export function decodeState(data: StateData): DecodedState {
  const { authorities, broken } = readAuthorities(data['ca.crt'] ?? '');
  const problems = broken === 0 ? [] : [`ca.crt: certificates that are unreadable or not of a CA: ${broken}`];
  const read = (certKey: string, keyKey: string): Pair | undefined => {
    const [certPem = '', keyPem = ''] = [data[certKey], data[keyKey]];
    // Kubernetes requires both keys in a Secret of type kubernetes.io/tls, even if it is empty.
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
