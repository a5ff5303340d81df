// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { maxQuantity } from '../plan/mode.ts';
import { isLegalResourceName } from '../plan/resource-name.ts';
import type { Offer } from './offers.ts';
import type { UsableEntry, Writers } from './writers.ts';

/** What one entry names, as if no node exposed it. */
export interface WrittenOffer extends Offer {
  /** The resource's name is only assumed to be the interface's: what is written may be an altname, as nodes know. */
  readonly isAssumed: boolean;
}

/**
 * What policies and the explicit configuration name, by resource, one for each entry. An entry that selects interfaces
 * and gives no name names nothing: only nodes know what it finds, see find-wishes.
 */
export function writtenOffers({ policies, explicit }: Writers): ReadonlyMap<string, readonly WrittenOffer[]> {
  const offers = [...[...policies.values()].flatMap(offersOfPolicy), ...[...explicit.values()].map(offerOfEntry)];
  return Map.groupBy(offers, ({ resource }) => resource);
}

function offersOfPolicy(policy: Policy): readonly WrittenOffer[] {
  return policy.entries.flatMap(({ parent, resourceName, mode, quantity }) => {
    const parents = 'name' in parent ? [parent.name] : [];
    const resource = resourceName ?? parents[0];
    if (resource === undefined || !isLegalResourceName(resource)) return [];
    const isAssumed = resourceName === undefined;
    return [{ resource, source: 'policy', policy: policy.id, mode, parents, quantity, nodes: 0, isAssumed } as const];
  });
}

/** The quantity as a node would cut it: see from-explicit. */
function offerOfEntry({ name, lowerDevice, mode, quantity }: UsableEntry): WrittenOffer {
  const limit = mode === 'passthru' ? 1 : maxQuantity;
  const devices = Math.min(quantity, limit);
  const parents = [lowerDevice];
  return { resource: name, source: 'explicit', mode, parents, quantity: devices, nodes: 0, isAssumed: false };
}
