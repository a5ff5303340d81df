// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../plan/natural-order.ts';
import { offerKey } from './compare-offers.ts';
import type { Offer } from './offers.ts';

/** One offer for each source, policy and mode of a resource's, with the parents of all and the most devices of any. */
export function mergeOffers(offers: readonly Offer[]): readonly Offer[] {
  return [...Map.groupBy(offers, offerKey).values()].map((alike) => alike.reduce(merge));
}

function merge(left: Offer, right: Offer): Offer {
  const parents = [...new Set([...left.parents, ...right.parents])].sort(compareNatural);
  return { ...left, parents, quantity: Math.max(left.quantity, right.quantity) };
}
