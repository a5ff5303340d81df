// SPDX-License-Identifier: Apache-2.0

import { authorityNamePrefix } from './make-pair.ts';
import type { Authority, CertificateState, Pair } from './pair.ts';
import { readAuthorities } from './read-authorities.ts';
import { readPair, toAuthority } from './read-pair.ts';
import { authoritiesOf, bundleOf } from './state.ts';

/** The files of a state, as keys of a Secret or names in a directory, each with its text. */
export type StateData = Readonly<Record<string, string>>;

/** Every key that a state can have; what else is found beside them is not ours. */
export const stateKeys = ['tls.crt', 'tls.key', 'ca.crt', 'next-tls.crt', 'next-tls.key'] as const;

/** The names of kubernetes.io/tls and cert-manager; `ca.crt` is all that is to be trusted. */
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
  /** What is there and cannot be used; empty also where nothing is there at all. */
  readonly faults: readonly string[];
}

/** Takes what can be used out of whatever is there: hands and half-done copies may have been at it. */
export function decodeState(data: StateData): DecodedState {
  const { authorities, broken } = readAuthorities(data['ca.crt'] ?? '');
  const faults = broken === 0 ? [] : [`ca.crt: ${broken} of its certificates cannot be read or are no authority's`];
  const read = (certKey: string, keyKey: string): Pair | undefined => {
    const [certPem = '', keyPem = ''] = [data[certKey], data[keyKey]];
    // Also an empty Secret of type kubernetes.io/tls, which must have both keys.
    if (certPem === '' && keyPem === '') return undefined;
    const { pair, fault } = readPair(certPem, keyPem, authorities);
    if (fault !== undefined) faults.push(`${certKey}, ${keyKey}: ${fault}`);
    return pair;
  };
  const current = read('tls.crt', 'tls.key');
  const next = read('next-tls.crt', 'next-tls.key');
  const pairs = { ...(current && { current }), ...(next && { next }), older: [] };
  const own = new Set(authoritiesOf(pairs).map(({ pem }) => pem));
  const older = authorities.map(toAuthority).filter(({ pem }) => !own.has(pem));
  return { state: { ...pairs, older }, faults };
}

/** The authorities of a published bundle that are of our making; others were put there by hands. */
export function decodeBundle(bundle: string): readonly Authority[] {
  return readAuthorities(bundle)
    .authorities.filter(({ subject }) => subject?.startsWith(`CN=${authorityNamePrefix}`))
    .map(toAuthority);
}
