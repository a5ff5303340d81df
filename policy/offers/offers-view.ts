// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { compareText } from '../plan/natural-order.ts';
import { compareOffers } from './compare-offers.ts';
import type { Offer, Offers } from './offers.ts';

/** Sorted offers, by what they are looked up by. Neither map holds an empty list, and neither changes any more. */
export interface OfferMaps {
  readonly byResource: ReadonlyMap<string, readonly Offer[]>;
  readonly byParent: ReadonlyMap<string, readonly Offer[]>;
}

export const emptyMaps: OfferMaps = { byResource: new Map(), byParent: new Map() };

/** The view of offers at one moment. The two lists of everything are made when they are first asked for. */
export function viewOffers(
  { byResource, byParent }: OfferMaps,
  policies: ReadonlyMap<string, Policy>,
  withPolicies: Offers['withPolicies'],
): Offers {
  let resources: readonly string[] | undefined;
  let fromPolicies: readonly Offer[] | undefined;
  return {
    ofResource: (resource) => byResource.get(resource) ?? [],
    ofParent: (parent) => byParent.get(parent) ?? [],
    get fromPolicies() {
      fromPolicies ??= [...byResource.values()]
        .flatMap((offers) => offers.filter(({ source }) => source === 'policy'))
        .sort(compareOffers);
      return fromPolicies;
    },
    get resources() {
      resources ??= [...byResource.keys()].sort(compareText);
      return resources;
    },
    policy: (id) => policies.get(id),
    withPolicies,
  };
}

/** The maps with the offers of some resources replaced; an empty list removes the resource. */
export function replaceOffers(maps: OfferMaps, offersByResource: ReadonlyMap<string, readonly Offer[]>): OfferMaps {
  const byResource = new Map(maps.byResource);
  const added: Offer[] = [];
  const touchedParents = new Set<string>();
  for (const [resource, offers] of offersByResource) {
    for (const { parents } of [...(byResource.get(resource) ?? []), ...offers]) {
      for (const parent of parents) touchedParents.add(parent);
    }
    added.push(...offers);
    setList(byResource, resource, offers);
  }
  const addedByParent = groupByParent(added);
  const byParent = new Map(maps.byParent);
  for (const parent of touchedParents) {
    const kept = (byParent.get(parent) ?? []).filter(({ resource }) => !offersByResource.has(resource));
    setList(byParent, parent, [...kept, ...(addedByParent.get(parent) ?? [])].sort(compareOffers));
  }
  return { byResource, byParent };
}

function setList(lists: Map<string, readonly Offer[]>, key: string, offers: readonly Offer[]): void {
  if (offers.length === 0) lists.delete(key);
  else lists.set(key, offers);
}

function groupByParent(offers: readonly Offer[]): ReadonlyMap<string, readonly Offer[]> {
  const byParent = new Map<string, Offer[]>();
  for (const offer of offers) {
    for (const parent of offer.parents) byParent.getOrInsertComputed(parent, () => []).push(offer);
  }
  return byParent;
}
