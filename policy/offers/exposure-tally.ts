// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../names.ts';
import { compareOffers, type Offer, offerKey } from './offers.ts';
import type { Exposure } from './read-exposures.ts';

/** The number of times that each value occurs. Values with a count of 0 are removed. */
type Counts<Value> = Map<Value, number>;

/** The counted exposures of one offer. The exposures of one node can be removed without reading the other nodes. */
interface Group {
  readonly sample: Exposure;
  nodes: number;
  readonly parents: Counts<string>;
  readonly quantities: Counts<number>;
  readonly mtus: Counts<number>;
}

/** Counts the resources that nodes expose. */
export interface ExposureTally {
  /** Adds the exposures of one node, or removes them. */
  count(exposures: readonly Exposure[], by: 1 | -1): void;
  /** Returns the sorted offers of a resource: those that nodes expose, and those in `written` that no node exposes. */
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

/** Adds to the count of a value, and removes the value if its count is 0. */
export function countValue<Value>(counts: Counts<Value>, value: Value, by: 1 | -1): void {
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
    quantity: mostOf(quantities.keys(), Math.max),
    nodes,
    ...(mtus.size > 0 && { mtu: mostOf(mtus.keys(), Math.min) }),
  };
}

/**
 * Returns the value that `choose` prefers. Compares two values at a time, because a call such as `Math.max(...values)`
 * fails if thousands of nodes have too many different values.
 */
function mostOf(values: MapIterator<number>, choose: (left: number, right: number) => number): number {
  return values.reduce((most, value) => choose(most, value));
}
