// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { maxQuantity } from '../plan/mode.ts';
import { compareNatural } from '../plan/natural-order.ts';
import { isLegalResourceName } from '../plan/resource-name.ts';
import { offerKey } from './compare-offers.ts';
import type { Offer } from './offers.ts';
import type { UsableEntry, Writers } from './writers.ts';

/**
 * What policies and the explicit configuration name, by resource, as if no node exposed any of it. An entry that selects
 * interfaces and gives no name names nothing: only nodes know what it finds.
 */
export function writtenOffers({ policies, explicit }: Writers): ReadonlyMap<string, readonly Offer[]> {
  const offers = [...[...policies.values()].flatMap(offersOfPolicy), ...[...explicit.values()].map(offerOfEntry)];
  return Map.groupBy(offers, ({ resource }) => resource);
}

/** One offer for each resource and mode that the entries of a policy without faults name. */
function offersOfPolicy(policy: Policy): readonly Offer[] {
  const byKey = new Map<string, Offer>();
  for (const { parent, resourceName, mode, quantity } of policy.entries) {
    const parents = 'name' in parent ? [parent.name] : [];
    const resource = resourceName ?? parents[0];
    if (resource === undefined || !isLegalResourceName(resource)) continue;
    const offer: Offer = { resource, source: 'policy', policy: policy.id, mode, parents, quantity, nodes: 0 };
    const key = `${resource} ${offerKey(offer)}`;
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? offer : merge(known, offer));
  }
  return [...byKey.values()];
}

function merge(left: Offer, right: Offer): Offer {
  const parents = [...new Set([...left.parents, ...right.parents])].sort(compareNatural);
  return { ...left, parents, quantity: Math.max(left.quantity, right.quantity) };
}

/** The quantity as a node would cut it: see from-explicit. */
function offerOfEntry({ name, lowerDevice, mode, quantity }: UsableEntry): Offer {
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const devices = Math.min(quantity, limit);
  return { resource: name, source: 'explicit', mode, parents: [lowerDevice], quantity: devices, nodes: 0 };
}
