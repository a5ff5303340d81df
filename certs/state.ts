// SPDX-License-Identifier: Apache-2.0
import type { Authority, CertificateState } from './pair.ts';

/** Every authority of a state, each once. */
export function authoritiesOf({ current, next, older }: CertificateState): readonly Authority[] {
  const all = [current?.authority, next?.authority, ...older].filter((authority) => authority !== undefined);
  return [...new Map(all.map((authority) => [authority.pem, authority])).values()];
}

/**
 * What clients must trust, as one text. Its order depends on the authorities alone, so that replicas agree on it, and
 * a switch of pairs changes nothing in it.
 */
export function bundleOf(state: CertificateState): string {
  const ordered = authoritiesOf(state).toSorted((a, b) => a.notAfterMs - b.notAfterMs || (a.pem < b.pem ? -1 : 1));
  return ordered.map(({ pem }) => pem).join('');
}
