// SPDX-License-Identifier: Apache-2.0
import { compareText } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { compareOffers, type Offer, type Offers } from './offers.ts';
import { type Governing, indexGoverning } from './policies-governing.ts';

/** Sorted offers by resource and by parent. The maps contain no empty lists and never change. */
export interface OfferMaps {
  readonly byResource: ReadonlyMap<string, readonly Offer[]>;
  readonly byParent: ReadonlyMap<string, readonly Offer[]>;
}

export const emptyMaps: OfferMaps = { byResource: new Map(), byParent: new Map() };

/**
 * Caches the result of `indexGoverning` for each map of policies. Every node report creates a new view, but most new
 * views have the same policies as the view before.
 */
const governing = new WeakMap<ReadonlyMap<string, Policy>, Governing>();

function governingOf(policies: ReadonlyMap<string, Policy>): Governing {
  return governing.getOrInsertComputed(policies, () => indexGoverning(policies.values()));
}

/** Returns a view of the offers at one moment. The lists of all offers and resources are computed on first use. */
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
    get governing() {
      return governingOf(policies);
    },
    policy: (id) => policies.get(id),
    withPolicies,
  };
}

/**
 * Yields the names to suggest for an unknown name. Names in policies come first, so that a node that reports thousands
 * of names cannot exhaust the search budget.
 */
export function* namesToSuggest({
  governing,
  resources,
  ofResource,
}: Pick<Offers, 'governing' | 'resources' | 'ofResource'>): Generator<string, void, void> {
  const written = new Set(governing.names);
  for (const name of written) if (ofResource(name).length > 0) yield name;
  for (const name of resources) if (!written.has(name)) yield name;
}

/** Returns the maps with the offers of some resources replaced. An empty list of offers removes the resource. */
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
