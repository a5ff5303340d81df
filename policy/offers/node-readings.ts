// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { createExposureTally } from './exposure-tally.ts';
import type { Offer, OffersInput } from './offers.ts';
import { type Exposure, readExposures } from './read-exposures.ts';
import type { Writers } from './writers.ts';

/** Who asks for resources in writing, in a form that compares: a policy's ID, or the explicit configuration. */
export type Asker = string | typeof explicitAsker;
export const explicitAsker = Symbol('explicit');

/** What was read of every node, kept from one update to the next. */
export interface NodeReadings {
  /**
   * Reads the states that are new, or that rest on an asker that changed, and forgets the nodes that are gone. Returns
   * the resources whose exposures changed.
   */
  follow(input: OffersInput, writers: Writers, changed: ReadonlySet<Asker>): ReadonlySet<string>;
  /** See ExposureTally. */
  offersOf(resource: string, written: readonly Offer[]): readonly Offer[];
}

interface Reading {
  readonly state: MacvtapNetworkNodeState;
  readonly exposures: readonly Exposure[];
}

export function createNodeReadings(): NodeReadings {
  const tally = createExposureTally();
  const readings = new Map<string, Reading>();

  /** Counts what a node exposes now instead of what it did; returns the resources that this concerns. */
  const recount = (before: readonly Exposure[], after: readonly Exposure[]): readonly string[] => {
    // Most news of a node change none of this: another device held, a carrier lost.
    if (isSame(before, after)) return [];
    tally.count(before, -1);
    tally.count(after, 1);
    return [...before, ...after].map(({ resource }) => resource);
  };

  return {
    follow: ({ nodes, nodeStates }, writers, changed) => {
      const concerned: string[] = [];
      for (const [name, { exposures }] of readings) {
        if (nodes.has(name) && nodeStates.has(name)) continue;
        readings.delete(name);
        concerned.push(...recount(exposures, []));
      }
      for (const [name, state] of nodeStates) {
        const known = readings.get(name);
        if (!nodes.has(name) || (known?.state === state && !restsOn(state, changed))) continue;
        const exposures = readExposures(state, writers);
        readings.set(name, { state, exposures });
        concerned.push(...recount(known?.exposures ?? [], exposures));
      }
      return new Set(concerned);
    },
    offersOf: tally.offersOf,
  };
}

/** Whether what a state means depends on somebody who changed. */
function restsOn(state: MacvtapNetworkNodeState, changed: ReadonlySet<Asker>): boolean {
  if (changed.size === 0) return false;
  return (state.status?.resources ?? []).some(
    ({ source, policy }) =>
      (source === 'explicit' && changed.has(explicitAsker)) || (policy !== undefined && changed.has(policy)),
  );
}

function isSame(left: readonly Exposure[], right: readonly Exposure[]): boolean {
  return (
    left.length === right.length && left.every((exposure, index) => isSameExposure(exposure, right[index] as Exposure))
  );
}

function isSameExposure(left: Exposure, right: Exposure): boolean {
  return (
    left.resource === right.resource &&
    left.source === right.source &&
    left.policy === right.policy &&
    left.mode === right.mode &&
    left.parent === right.parent &&
    left.quantity === right.quantity &&
    left.mtu === right.mtu
  );
}
