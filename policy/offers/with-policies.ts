// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { compareText } from '../plan/natural-order.ts';
import { compareOffers, offerKey } from './compare-offers.ts';
import type { Offer, Offers } from './offers.ts';
import { readWriters } from './writers.ts';
import { writtenOffers } from './written-offers.ts';

/**
 * A view with all policies replaced by a newer list, as a live look-up finds it: what the list names is offered, and
 * what a policy offered that is not on it any more is not. Node states are not read again, so it costs the list alone.
 */
export function withPolicies(offers: Offers, newer: readonly Policy[]): Offers {
  const { policies } = readWriters(newer, undefined);
  const written = writtenOffers({ policies, explicit: new Map() });
  const all = [...written.values()].flat();
  const isKept = ({ policy }: Offer) => policy === undefined || policies.has(policy);
  const merge = (known: readonly Offer[], named: readonly Offer[]) => {
    const kept = known.filter(isKept);
    const keys = new Set(kept.map(keyOf));
    return [...kept, ...named.filter((offer) => !keys.has(keyOf(offer)))].sort(compareOffers);
  };
  const ofResource = (resource: string) => merge(offers.ofResource(resource), written.get(resource) ?? []);
  return {
    ofResource,
    // An offer that nodes expose stands on other parents than it is written with, so resources decide what is known.
    ofParent: (parent) => {
      const named = all.filter(({ parents }) => parents.includes(parent)).map(({ resource }) => resource);
      const known = offers.ofParent(parent).map(({ resource }) => resource);
      const resources = [...new Set([...known, ...named])].sort(compareText);
      return resources.flatMap(ofResource).filter(({ parents }) => parents.includes(parent));
    },
    get fromPolicies() {
      return merge(offers.fromPolicies, all);
    },
    get resources() {
      const kept = offers.resources.filter((resource) => offers.ofResource(resource).some(isKept));
      return [...new Set([...kept, ...written.keys()])].sort(compareText);
    },
    policy: (id) => policies.get(id),
  };
}

function keyOf(offer: Offer): string {
  return `${offer.resource} ${offerKey(offer)}`;
}
