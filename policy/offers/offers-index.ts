// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../plan/from-explicit.ts';
import { type DeclaredOffer, type DeclaredSources, declaredOffers, readDeclaredSources } from './declared-sources.ts';
import { createNodeReadings, explicitSource, type NodesInput, type SourceKey } from './node-readings.ts';
import type { Offer, Offers, OffersInput } from './offers.ts';
import { emptyMaps, type OfferMaps, replaceOffers, viewOffers } from './offers-view.ts';

/** The cluster's offers, updated incrementally. */
export interface OffersIndex {
  /**
   * Returns the offers of an input. Objects that are identical to those of the last update are not read again. After a
   * change of one node's state, only this state is read, and every other node costs one comparison. Earlier
   * results do not change. If no offer changed, the last result is returned.
   *
   * After an edit of a policy, thousands of nodes are read again, which would block the event loop. So the generator
   * yields after each slice of a few milliseconds. Callers use the last result until the generator has finished.
   */
  follow(input: OffersInput): Generator<void, Offers, void>;
  /** Does the same as `follow` without yielding. */
  update(input: OffersInput): Offers;
  /**
   * The nodes whose report could not be read, with the reasons. These nodes offer nothing; the other nodes are
   * unaffected.
   */
  readonly failures: ReadonlyMap<string, string>;
}

/** The parsed sources of an input. */
interface ReadSources {
  readonly policies: readonly Policy[];
  readonly explicit: ExplicitConfig | undefined;
  readonly sources: DeclaredSources;
  readonly offers: ReadonlyMap<string, readonly DeclaredOffer[]>;
}

/** The state of the index after an update. */
interface IndexState {
  readonly input: NodesInput;
  readonly declared: ReadSources;
  readonly maps: OfferMaps;
  readonly view: Offers;
}

export function createOffersIndex(): OffersIndex {
  const readings = createNodeReadings();

  function* advance(from: IndexState, input: NodesInput, declared: ReadSources): Generator<void, IndexState, void> {
    const changed = changedSources(from.declared, declared);
    const resources = new Set([
      ...resourcesOf(from.declared, changed),
      ...resourcesOf(declared, changed),
      ...(yield* readings.follow(input, declared.sources, changed)),
    ]);
    if (resources.size === 0 && changed.size === 0) return { ...from, input, declared };
    const offersOf = (resource: string) => readings.offersOf(resource, declared.offers.get(resource) ?? []);
    const offers = new Map([...resources].map((resource) => [resource, offersOf(resource)]));
    const maps = replaceOffers(from.maps, offers);
    return { input, declared, maps, view: viewOffers(maps, declared.sources.policies, withPolicies) };
  }

  function* update(input: OffersInput): Generator<void, void, void> {
    const isEdited = input.policies !== now.declared.policies || input.explicit !== now.declared.explicit;
    now = yield* advance(now, input, isEdited ? readSources(input.policies, input.explicit) : now.declared);
  }

  /**
   * Returns the offers for other policies. Switches the readings to these policies and then back, because a copy of the
   * readings would take too much memory.
   */
  const withPolicies = (policies: readonly Policy[]): Offers => {
    if (updating !== undefined) runToEnd(updating);
    const { input, declared } = now;
    const other = readSources(policies, declared.explicit);
    const changed = changedSources(other, declared);
    if (changed.size === 0) return now.view;
    try {
      return runToEnd(advance(now, input, other)).view;
    } finally {
      runToEnd(readings.follow(input, declared.sources, changed));
    }
  };

  const declared = readSources([], undefined);
  let now: IndexState = {
    input: { nodes: new Map(), nodeStates: new Map() },
    declared,
    maps: emptyMaps,
    view: viewOffers(emptyMaps, declared.sources.policies, withPolicies),
  };
  /**
   * The last update. If it has not finished, `readings` is ahead of `now`, so it must finish before `readings` is used.
   */
  let updating: Generator<void, void, void> | undefined;
  function* follow(input: OffersInput): Generator<void, Offers, void> {
    if (updating !== undefined) runToEnd(updating);
    const steps = update(input);
    updating = steps;
    while (!steps.next().done) yield;
    return now.view;
  }
  return { follow, update: (input) => runToEnd(follow(input)), failures: readings.failures };
}

function runToEnd<Result>(steps: Generator<void, Result, void>): Result {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

/** Returns the offers of an input, without an index. */
export function collectOffers(input: OffersInput): Offers {
  return createOffersIndex().update(input);
}

function readSources(policies: readonly Policy[], explicit: ExplicitConfig | undefined): ReadSources {
  const sources = readDeclaredSources(policies, explicit);
  return { policies, explicit, sources, offers: declaredOffers(sources) };
}

function changedSources(before: ReadSources, after: ReadSources): ReadonlySet<SourceKey> {
  const ids = [...before.sources.policies.keys(), ...after.sources.policies.keys()];
  const changed = new Set<SourceKey>(
    ids.filter((id) => before.sources.policies.get(id) !== after.sources.policies.get(id)),
  );
  return before.explicit === after.explicit ? changed : changed.add(explicitSource);
}

/**
 * Returns the resources that these sources declare. A declared offer without a policy comes from the explicit
 * configuration.
 */
function resourcesOf({ offers }: ReadSources, keys: ReadonlySet<SourceKey>): readonly string[] {
  if (keys.size === 0) return [];
  const isDeclared = ({ policy }: Offer) => keys.has(policy ?? explicitSource);
  return [...offers].filter(([, list]) => list.some(isDeclared)).map(([resource]) => resource);
}

/**
 * Returns the offers for a newer list of policies, which the caller just read from the API server. Only data that
 * depends on added, deleted or edited policies is read again. So an unchanged list only costs a comparison.
 */
export function withPolicies(offers: Offers, newer: readonly Policy[]): Offers {
  return offers.withPolicies(newer.map((policy) => knownOrNew(policy, offers.policy(policy.id))));
}

/**
 * Returns the known object of a policy if the policy did not change. The API server increases the generation with every
 * change of the spec. A recreated policy has a different UID, even if it is recreated within the same second.
 */
function knownOrNew(policy: Policy, known: Policy | undefined): Policy {
  const isKnown =
    known !== undefined &&
    policy.generation !== undefined &&
    known.generation === policy.generation &&
    known.uid === policy.uid &&
    known.createdMs === policy.createdMs;
  return isKnown ? known : policy;
}
