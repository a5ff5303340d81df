// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import { createExposureTally } from './exposure-tally.ts';
import { findWishes, type Wish } from './find-wishes.ts';
import { mergeOffers } from './merge-offers.ts';
import type { Offer, OffersInput } from './offers.ts';
import { type Exposure, readExposures } from './read-exposures.ts';
import { readLinks } from './read-links.ts';
import { createWishTally } from './wish-tally.ts';
import type { Writers } from './writers.ts';
import type { WrittenOffer } from './written-offers.ts';

/** Who asks for resources in writing, in a form that compares: a policy's ID, or the explicit configuration. */
export type Asker = string | typeof explicitAsker;
export const explicitAsker = Symbol('explicit');

export type NodesInput = Pick<OffersInput, 'nodes' | 'nodeStates'>;

/** What was read of every node, kept from one update to the next. */
export interface NodeReadings {
  /**
   * Reads the nodes that are new or have other labels or another state, and of the others what rests on an asker that
   * changed; forgets the nodes that are gone. Yields after a slice of work, and must be run to its end before offers are
   * read. Returns the resources that this concerns.
   */
  follow(nodes: NodesInput, writers: Writers, changed: ReadonlySet<Asker>): Generator<void, ReadonlySet<string>, void>;
  /** The offers of a resource, sorted: what nodes expose, what they would by their interfaces, and what is only written. */
  offersOf(resource: string, written: readonly WrittenOffer[]): readonly Offer[];
}

/** Between two breaths, a few milliseconds at most: so many nodes that are glanced at and passed over. */
const glancesPerSlice = 5_000;

/** What reading a node costs beside that. */
const glancesPerReading = 100;

interface Reading {
  readonly node: NodeFacts;
  readonly state: MacvtapNetworkNodeState;
  readonly exposures: readonly Exposure[];
  readonly wishes: readonly Wish[];
}

export function createNodeReadings(): NodeReadings {
  const exposed = createExposureTally();
  const wished = createWishTally();
  const readings = new Map<string, Reading>();

  /** Counts what a node says now instead of what it did; returns the resources that this concerns. */
  const recount = (before: Pick<Reading, 'exposures' | 'wishes'>, after: typeof before): readonly string[] => {
    const concerned: string[] = [];
    // Most news of a node change none of this: another device held, a carrier lost.
    if (!isSame(before.exposures, after.exposures)) {
      exposed.count(before.exposures, -1);
      exposed.count(after.exposures, 1);
      concerned.push(...[...before.exposures, ...after.exposures].map(({ resource }) => resource));
    }
    if (!isSame(before.wishes, after.wishes)) {
      wished.count(before.wishes, -1);
      wished.count(after.wishes, 1);
      concerned.push(...[...before.wishes, ...after.wishes].flatMap(namesOf));
    }
    return concerned;
  };

  return {
    *follow({ nodes, nodeStates }, writers, changed) {
      const concerned: string[] = [];
      let glances = 0;
      for (const [name, reading] of readings) {
        if (nodes.has(name) && nodeStates.has(name)) continue;
        readings.delete(name);
        concerned.push(...recount(reading, nothing));
      }
      const news = { writers, changed, edited: writers.nameless.filter(({ id }) => changed.has(id)) };
      for (const [name, state] of nodeStates) {
        if (glances >= glancesPerSlice) yield;
        glances = (glances % glancesPerSlice) + 1;
        const node = nodes.get(name);
        const known = readings.get(name);
        if (node === undefined || (known?.state === state && known.node === node && changed.size === 0)) continue;
        const reading = read(node, state, known, news);
        readings.set(name, reading);
        concerned.push(...recount(known ?? nothing, reading));
        glances += glancesPerReading;
      }
      return new Set(concerned);
    },
    offersOf: (resource, written) => {
      const standing = written.filter(wished.isStanding).map(({ isAssumed: _, ...offer }) => offer);
      return exposed.offersOf(resource, mergeOffers([...standing, ...wished.offersOf(resource)]));
    },
  };
}

const nothing = { exposures: [], wishes: [] } as const;

/** What changed beside the nodes. */
interface News {
  readonly writers: Writers;
  readonly changed: ReadonlySet<Asker>;
  /** Of the policies that changed, those with entries that name no resource. */
  readonly edited: Writers['nameless'];
}

/** Reads a node as far as what is known of it may not hold any more. */
function read(
  node: NodeFacts,
  state: MacvtapNetworkNodeState,
  known: Reading | undefined,
  { writers, changed, edited }: News,
): Reading {
  const links = readLinks(state);
  const isOther = known?.state !== state;
  const exposures = isOther || restsOn(state, changed) ? readExposures(state, links, writers) : known.exposures;
  if (isOther || known.node !== node) {
    return { node, state, exposures, wishes: findWishes(node, links, writers.nameless) };
  }
  const kept = known.wishes.filter(({ policy }) => !changed.has(policy));
  return { node, state, exposures, wishes: [...kept, ...findWishes(node, links, edited)] };
}

/** Whether what a state means depends on somebody who changed. */
function restsOn(state: MacvtapNetworkNodeState, changed: ReadonlySet<Asker>): boolean {
  return (state.status?.resources ?? []).some(
    ({ source, policy }) =>
      (source === 'explicit' && changed.has(explicitAsker)) || (policy !== undefined && changed.has(policy)),
  );
}

/** A wish by an altname concerns the offer of that name, too: it stood for it as long as no node knew it. */
function namesOf({ resource, altName }: Wish): readonly string[] {
  return altName === undefined ? [resource] : [resource, altName];
}

function isSame(left: readonly (Exposure & Partial<Wish>)[], right: typeof left): boolean {
  return (
    left.length === right.length &&
    left.every((exposure, index) => isSameExposure(exposure, right[index] as Exposure & Partial<Wish>))
  );
}

function isSameExposure(left: Exposure & Partial<Wish>, right: Exposure & Partial<Wish>): boolean {
  return (
    left === right ||
    (left.resource === right.resource &&
      left.source === right.source &&
      left.policy === right.policy &&
      left.mode === right.mode &&
      left.parent === right.parent &&
      left.quantity === right.quantity &&
      left.mtu === right.mtu &&
      left.altName === right.altName)
  );
}
