// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../plan/natural-order.ts';
import { compareOffers, offerKey } from './compare-offers.ts';
import type { Offer } from './offers.ts';
import type { Exposure } from './read-exposures.ts';

/** How often each value occurs. */
type Counts<Value> = Map<Value, number>;

/** All exposures that make one offer, counted, so that one node's can be taken back without asking the others. */
interface Group {
  readonly sample: Exposure;
  nodes: number;
  readonly parents: Counts<string>;
  readonly quantities: Counts<number>;
  readonly mtus: Counts<number>;
}

/** Counts what nodes expose. */
export interface ExposureTally {
  /** Adds one node's exposures, or takes them back. */
  count(exposures: readonly Exposure[], by: 1 | -1): void;
  /** The offers of a resource, sorted: what nodes expose, and what is only written of it. */
  offersOf(resource: string, written: readonly Offer[]): readonly Offer[];
}

export function createExposureTally(): ExposureTally {
  const resources = new Map<string, Map<string, Group>>();
  return {
    count: (exposures, by) => {
      for (const exposure of exposures) {
        const groups = resources.getOrInsertComputed(exposure.resource, () => new Map());
        const key = offerKey(exposure);
        const group = groups.getOrInsertComputed(key, () => emptyGroup(exposure));
        countInto(group, exposure, by);
        if (group.nodes === 0) groups.delete(key);
        if (groups.size === 0) resources.delete(exposure.resource);
      }
    },
    offersOf: (resource, written) => {
      const groups: ReadonlyMap<string, Group> = resources.get(resource) ?? new Map();
      const unexposed = written.filter((offer) => !groups.has(offerKey(offer)));
      return [...[...groups.values()].map(toOffer), ...unexposed].sort(compareOffers);
    },
  };
}

function emptyGroup(sample: Exposure): Group {
  return { sample, nodes: 0, parents: new Map(), quantities: new Map(), mtus: new Map() };
}

function countInto(group: Group, { parent, quantity, mtu }: Exposure, by: 1 | -1): void {
  group.nodes += by;
  countValue(group.parents, parent, by);
  countValue(group.quantities, quantity, by);
  if (mtu !== undefined) countValue(group.mtus, mtu, by);
}

function countValue<Value>(counts: Counts<Value>, value: Value, by: 1 | -1): void {
  const count = (counts.get(value) ?? 0) + by;
  if (count === 0) counts.delete(value);
  else counts.set(value, count);
}

function toOffer({ sample, nodes, parents, quantities, mtus }: Group): Offer {
  const { resource, source, policy, mode } = sample;
  return {
    resource,
    source,
    ...(policy !== undefined && { policy }),
    mode,
    parents: [...parents.keys()].sort(compareNatural),
    quantity: Math.max(...quantities.keys()),
    nodes,
    ...(mtus.size > 0 && { mtu: Math.min(...mtus.keys()) }),
  };
}
