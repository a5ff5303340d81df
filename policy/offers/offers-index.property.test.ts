// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { named, nodeState, offersInput, reported } from '../../test/fixtures/offers/build-offers.ts';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import type { Offers } from './offers.ts';
import { collectOffers, createOffersIndex } from './offers-index.ts';
import { withPolicies } from './with-policies.ts';

/** Few of each, so that what nodes report and what policies name really meet. */
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

/** Faulty at times: both ways of saying which interfaces. */
const spec = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: entry },
    { weight: 1, arbitrary: fc.constant<ParentEntry>({ parentIface: 'eth0', nicSelector: {} }) },
  ),
  { minLength: 1, maxLength: 3 },
);

const explicit = fc.constantFrom(
  undefined,
  '[',
  '[{"name":"data","lowerDevice":"lan"}]',
  '[{"name":"eth1","lowerDevice":"eth1"}]',
);

type Change =
  | { readonly node: string; readonly state?: MacvtapNetworkNodeState | undefined; readonly exists?: boolean }
  | { readonly policy: string; readonly entries: readonly ParentEntry[] | undefined }
  | { readonly explicit: string | undefined };

const node = fc.constantFrom('h1', 'h2', 'h3');
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ node, state: fc.option(state, { nil: undefined, freq: 5 }) }) },
  fc.record({ node, exists: fc.boolean() }),
  fc.record({ policy: fc.constantFrom(...policyNames), entries: fc.option(spec, { nil: undefined, freq: 4 }) }),
  fc.record({ explicit }),
);

describe('offers, whatever changes in whatever order', () => {
  it('are the same by many updates as by one', () => {
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

  it('with a newer list of policies name what a reading of everything would', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 10 }), fc.array(change, { maxLength: 4 }), (first, then) => {
        const world = emptyWorld();
        for (const one of first) apply(one, world);
        const before = collectOffers(inputOf(world));
        for (const one of then) if ('policy' in one) apply(one, world);
        const view = withPolicies(before, [...world.policies.values()]);
        const missing = collectOffers(inputOf(world)).resources.filter((name) => !view.resources.includes(name));
        assert.deepEqual(
          missing.filter((name) => isWritten(name, world)),
          [],
        );
        assertConsistent(view);
      }),
      { numRuns: 500 },
    );
  });

  it('are found by every way that leads to them', () => {
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
  readonly nodes: Set<string>;
  readonly policies: Map<string, Policy>;
  explicit: string | undefined;
}

function emptyWorld(): World {
  return { states: new Map(), nodes: new Set(['h1', 'h2', 'h3']), policies: new Map(), explicit: undefined };
}

function apply(one: Change, world: World): void {
  if ('policy' in one) {
    if (one.entries === undefined) world.policies.delete(one.policy);
    else world.policies.set(one.policy, named(one.policy, ...one.entries));
  } else if ('explicit' in one) {
    world.explicit = one.explicit;
  } else if (one.exists !== undefined) {
    if (one.exists) world.nodes.add(one.node);
    else world.nodes.delete(one.node);
  } else if (one.state === undefined) world.states.delete(one.node);
  else world.states.set(one.node, one.state);
}

function inputOf({ states, nodes, policies, explicit: text }: World) {
  return offersInput({
    states: Object.fromEntries(states),
    nodes: [...nodes],
    policies: [...policies.values()],
    ...(text !== undefined && { explicit: text }),
  });
}

function isWritten(name: string, { policies }: World): boolean {
  return [...policies.values()].some(({ entries }) => entries.some(({ resourceName }) => resourceName === name));
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
