// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { nodeState, offersInput, reported } from '../../test/fixtures/offers/build-offers.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry, PolicySpec } from '../nodepolicy/rule.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import type { Offers, OffersInput } from './offers.ts';
import { collectOffers, createOffersIndex, withPolicies } from './offers-index.ts';

/** There are only a few names, so that the names in reports and in policies are often the same. */
const parents = ['eth0', 'eth1', 'lan'] as const;
const names = ['eth0', 'eth1', 'data'] as const;
const policyNames = ['p', 'q'] as const;
const mode = fc.constantFrom('bridge', 'vepa', 'passthru');

const state = fc
  .record({
    links: fc.subarray([
      { name: 'eth0', altNames: ['lan'], driver: 'ixgbe' },
      { name: 'eth1', mtu: 9000 },
    ]),
    resources: fc.uniqueArray(
      fc.record({
        name: fc.constantFrom(...names),
        parent: fc.constantFrom('eth0', 'eth1'),
        mode,
        source: fc.constantFrom('policy', 'policy', 'explicit', 'tag', 'implicit'),
        policy: fc.constantFrom(...policyNames.map((name) => `macvtap-cni/${name}`)),
        quantity: fc.integer({ min: 1, max: 3 }),
        code: fc.constantFrom('Draining', 'ParentChanged', 'ParentChanged'),
      }),
      { selector: ({ name }) => name, maxLength: 3 },
    ),
  })
  .map(({ links, resources }) =>
    nodeState(
      resources.map(({ name, parent, ...more }) => reported(name, parent, more)),
      links,
    ),
  );

const entry: fc.Arbitrary<ParentEntry> = fc
  .record({
    parent: fc.oneof(
      fc.constantFrom(...parents).map((parentIface) => ({ parentIface })),
      fc.constant({ nicSelector: { drivers: ['ixgbe'] } }),
    ),
    mode,
    name: fc.option(fc.constant({ resourceName: 'data' }), { nil: {} }),
  })
  .map(({ parent, name, ...rest }) => ({ ...parent, ...name, ...rest }));

/** Entries. Some are invalid because they select interfaces both by name and by selector. */
const entries = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: entry },
    { weight: 1, arbitrary: fc.constant<ParentEntry>({ parentIface: 'eth0', nicSelector: {} }) },
  ),
  { minLength: 1, maxLength: 3 },
);

const zone = fc.constantFrom('a', 'b');
const spec = fc
  .record({ parentSelector: entries, zone: fc.option(zone, { nil: undefined }) })
  .map(({ parentSelector, zone: value }) => ({
    parentSelector,
    ...(value !== undefined && { nodeSelector: { matchLabels: { zone: value } } }),
  }));

const explicit = fc.constantFrom(
  undefined,
  '[',
  '[{"name":"data","lowerDevice":"lan"}]',
  '[{"name":"eth1","lowerDevice":"eth1"}]',
);

type Change =
  | { readonly node: string; readonly state?: MacvtapNetworkNodeState | undefined; readonly exists?: boolean }
  | { readonly node: string; readonly zone: string }
  | { readonly policy: string; readonly spec: PolicySpec | undefined }
  | { readonly explicit: string | undefined };

const node = fc.constantFrom('h1', 'h2', 'h3');
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ node, state: fc.option(state, { nil: undefined, freq: 5 }) }) },
  fc.record({ node, exists: fc.boolean() }),
  fc.record({ node, zone }),
  fc.record({ policy: fc.constantFrom(...policyNames), spec: fc.option(spec, { nil: undefined, freq: 4 }) }),
  fc.record({ explicit }),
);

describe('offers after random changes', () => {
  it('are the same after many updates as after a single one', () => {
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 8 }), (steps) => {
        const index = createOffersIndex();
        const world = emptyWorld();
        for (const changes of steps) {
          for (const one of changes) apply(one, world);
          assert.deepEqual(dump(index.update(inputOf(world))), dump(collectOffers(inputOf(world))));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('with a newer list of policies are the same as without an index, and the index does not change', () => {
    const lists = fc.array(change, { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 10 }), lists, lists, (first, then, last) => {
        const index = createOffersIndex();
        const world = emptyWorld();
        for (const one of first) apply(one, world);
        const before = inputOf(world);
        const offers = index.update(before);
        for (const one of then) if ('policy' in one) apply(one, world);
        const newer = withPolicies(offers, [...world.policies.values()]);
        assert.deepEqual(dump(newer), dump(collectOffers({ ...before, policies: [...world.policies.values()] })));
        assert.deepEqual(dump(withPolicies(newer, before.policies)), dump(offers));
        assert.equal(index.update(before), offers);
        for (const one of last) apply(one, world);
        assert.deepEqual(dump(index.update(inputOf(world))), dump(collectOffers(inputOf(world))));
      }),
      { numRuns: 500 },
    );
  });

  it('are found by resource, by parent and in all lists', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const world = emptyWorld();
        for (const one of changes) apply(one, world);
        assertConsistent(collectOffers(inputOf(world)));
      }),
    );
  });
});

interface World {
  readonly states: Map<string, MacvtapNetworkNodeState>;
  /** The nodes, labelled with their zones. */
  readonly nodes: Map<string, NodeFacts>;
  readonly policies: Map<string, Policy>;
  explicit: string | undefined;
}

function emptyWorld(): World {
  const nodes = new Map(['h1', 'h2', 'h3'].map((name) => [name, inZone(name, 'a')]));
  return { states: new Map(), nodes, policies: new Map(), explicit: undefined };
}

function apply(one: Change, world: World): void {
  if ('policy' in one) {
    if (one.spec === undefined) world.policies.delete(one.policy);
    else world.policies.set(one.policy, policy(one.policy, one.spec));
  } else if ('explicit' in one) {
    world.explicit = one.explicit;
  } else if ('zone' in one) {
    if (world.nodes.has(one.node)) world.nodes.set(one.node, inZone(one.node, one.zone));
  } else if (one.exists !== undefined) {
    if (one.exists) world.nodes.getOrInsert(one.node, inZone(one.node, 'a'));
    else world.nodes.delete(one.node);
  } else if (one.state === undefined) world.states.delete(one.node);
  else world.states.set(one.node, one.state);
}

function inZone(name: string, value: string): NodeFacts {
  return { name, labels: { zone: value } };
}

function inputOf({ states, nodes, policies, explicit: text }: World): OffersInput {
  const rest = offersInput({ policies: [...policies.values()], ...(text !== undefined && { explicit: text }) });
  return { ...rest, nodes: new Map(nodes), nodeStates: new Map(states) };
}

function dump(offers: Offers): unknown {
  return {
    resources: offers.resources.map((name) => [name, offers.ofResource(name)]),
    parents: parents.map((parent) => [parent, offers.ofParent(parent)]),
    fromPolicies: offers.fromPolicies,
    policies: policyNames.map((name) => offers.policy(`macvtap-cni/${name}`)?.entries),
  };
}

function assertConsistent(offers: Offers): void {
  const all = offers.resources.flatMap((name) => offers.ofResource(name));
  assert.ok(offers.resources.every((name) => offers.ofResource(name).length > 0));
  assert.deepEqual(
    offers.fromPolicies,
    all.filter(({ source }) => source === 'policy'),
  );
  for (const parent of parents) {
    assert.deepEqual(
      offers.ofParent(parent),
      all.filter((offer) => offer.parents.includes(parent)),
    );
  }
  for (const { policy: id } of offers.fromPolicies) assert.equal(offers.policy(id ?? '')?.id, id);
}
