// SPDX-License-Identifier: Apache-2.0
import { compareText } from '../plan/natural-order.ts';
import type { Offer } from './offers.ts';

/** The order in which a node asks its sources. */
const ranks = { policy: 0, explicit: 1, tag: 2, implicit: 3 } as const satisfies Record<Offer['source'], number>;

/** Orders offers by resource, then source as a node asks them, then policy and mode. Total: no two agree in all four. */
export function compareOffers(left: Offer, right: Offer): number {
  return (
    compareText(left.resource, right.resource) ||
    ranks[left.source] - ranks[right.source] ||
    compareText(left.policy ?? '', right.policy ?? '') ||
    compareText(left.mode, right.mode)
  );
}

/** Tells the offers of one resource apart: `policy macvtap-cni/p private`. */
export function offerKey({ source, policy = '', mode }: Pick<Offer, 'source' | 'policy' | 'mode'>): string {
  return `${source} ${policy} ${mode}`;
}
