// SPDX-License-Identifier: Apache-2.0
import { isLegalResourceName } from '../plan/resource-name.ts';
import { createExposureTally } from './exposure-tally.ts';
import type { Wish } from './find-wishes.ts';
import type { Offer } from './offers.ts';
import type { WrittenOffer } from './written-offers.ts';

/** Counts what policies wish for on nodes without giving it a name. */
export interface WishTally {
  /** Adds one node's wishes, or takes them back. */
  count(wishes: readonly Wish[], by: 1 | -1): void;
  /** The wishes for a resource, as offers that no node exposes. */
  offersOf(resource: string): readonly Offer[];
  /** Whether the name that is written stands: none that is only assumed, once a node knows it as an altname. */
  isStanding(offer: WrittenOffer): boolean;
}

export function createWishTally(): WishTally {
  const tally = createExposureTally();
  /** How many nodes know an interface by the altname that a policy writes. */
  const altNames = new Map<string, number>();
  return {
    count: (wishes, by) => {
      tally.count(
        wishes.filter(({ resource }) => isLegalResourceName(resource)),
        by,
      );
      for (const { policy, altName } of wishes) {
        if (altName === undefined) continue;
        const key = `${policy} ${altName}`;
        const count = (altNames.get(key) ?? 0) + by;
        if (count === 0) altNames.delete(key);
        else altNames.set(key, count);
      }
    },
    offersOf: (resource) => tally.offersOf(resource, []).map((offer) => ({ ...offer, nodes: 0 })),
    isStanding: ({ isAssumed, policy, parents }) => !isAssumed || !altNames.has(`${policy} ${parents[0]}`),
  };
}
