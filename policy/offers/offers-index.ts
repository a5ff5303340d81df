// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../plan/read-explicit.ts';
import { type Asker, createNodeReadings, explicitAsker, type NodesInput } from './node-readings.ts';
import type { Offer, Offers, OffersInput } from './offers.ts';
import { emptyMaps, type OfferMaps, replaceOffers, viewOffers } from './offers-view.ts';
import { readWriters, type Writers } from './writers.ts';
import { type WrittenOffer, writtenOffers } from './written-offers.ts';

/** Keeps offers up to date. */
export interface OffersIndex {
  /**
   * The offers of an input. What is the same object as at the last update (a node, its state, a policy, the explicit
   * configuration) is not read again, so that one changed state costs a glance at each node and the work of one. Views
   * returned before stay as they were; where no offer changed, the last one is returned again.
   *
   * A generator, because an edited policy has every node read again, and thousands take longer than an event loop may
   * stand still: it yields after each slice of a few milliseconds. Until it has ended the views are those from before.
   */
  follow(input: OffersInput): Generator<void, Offers, void>;
  /** The same at once. */
  update(input: OffersInput): Offers;
}

/** What is asked for in writing, read. */
interface Written {
  readonly policies: readonly Policy[];
  readonly explicit: ExplicitConfig | undefined;
  readonly writers: Writers;
  readonly offers: ReadonlyMap<string, readonly WrittenOffer[]>;
}

/** What the index stands at. */
interface Moment {
  readonly input: NodesInput;
  readonly written: Written;
  readonly maps: OfferMaps;
  readonly view: Offers;
}

export function createOffersIndex(): OffersIndex {
  const readings = createNodeReadings();

  function* advance(from: Moment, input: NodesInput, written: Written): Generator<void, Moment, void> {
    const changed = changedAskers(from.written, written);
    const resources = new Set([
      ...resourcesOf(from.written, changed),
      ...resourcesOf(written, changed),
      ...(yield* readings.follow(input, written.writers, changed)),
    ]);
    if (resources.size === 0 && changed.size === 0) return { ...from, input, written };
    const offersOf = (resource: string) => readings.offersOf(resource, written.offers.get(resource) ?? []);
    const offers = new Map([...resources].map((resource) => [resource, offersOf(resource)]));
    const maps = replaceOffers(from.maps, offers);
    return { input, written, maps, view: viewOffers(maps, written.writers.policies, withPolicies) };
  }

  function* move(input: OffersInput): Generator<void, void, void> {
    const isEdited = input.policies !== now.written.policies || input.explicit !== now.written.explicit;
    now = yield* advance(now, input, isEdited ? readWritten(input.policies, input.explicit) : now.written);
  }

  /** Goes there and back: what is known of the nodes is too much to keep twice. */
  const withPolicies = (policies: readonly Policy[]): Offers => {
    if (moving !== undefined) runToEnd(moving);
    const { input, written } = now;
    const other = readWritten(policies, written.explicit);
    const changed = changedAskers(other, written);
    if (changed.size === 0) return now.view;
    try {
      return runToEnd(advance(now, input, other)).view;
    } finally {
      runToEnd(readings.follow(input, written.writers, changed));
    }
  };

  const written = readWritten([], undefined);
  let now: Moment = {
    input: { nodes: new Map(), nodeStates: new Map() },
    written,
    maps: emptyMaps,
    view: viewOffers(emptyMaps, written.writers.policies, withPolicies),
  };
  /** The last move. Nodes that it has read already are ahead of `now`, so whoever else reads them has it end first. */
  let moving: Generator<void, void, void> | undefined;
  function* follow(input: OffersInput): Generator<void, Offers, void> {
    if (moving !== undefined) runToEnd(moving);
    const own = move(input);
    moving = own;
    while (!own.next().done) yield;
    return now.view;
  }
  return { follow, update: (input) => runToEnd(follow(input)) };
}

function runToEnd<Result>(steps: Generator<void, Result, void>): Result {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** The offers of an input, read from nothing. */
export function collectOffers(input: OffersInput): Offers {
  return createOffersIndex().update(input);
}

function readWritten(policies: readonly Policy[], explicit: ExplicitConfig | undefined): Written {
  const writers = readWriters(policies, explicit);
  return { policies, explicit, writers, offers: writtenOffers(writers) };
}

function changedAskers(before: Written, after: Written): ReadonlySet<Asker> {
  const ids = [...before.writers.policies.keys(), ...after.writers.policies.keys()];
  const changed = new Set<Asker>(
    ids.filter((id) => before.writers.policies.get(id) !== after.writers.policies.get(id)),
  );
  return before.explicit === after.explicit ? changed : changed.add(explicitAsker);
}

/** The resources that these askers name: what is written and of no policy is explicit. */
function resourcesOf({ offers }: Written, askers: ReadonlySet<Asker>): readonly string[] {
  if (askers.size === 0) return [];
  const isAskedByThem = ({ policy }: Offer) => askers.has(policy ?? explicitAsker);
  return [...offers].filter(([, list]) => list.some(isAskedByThem)).map(([resource]) => resource);
}
