// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { nodeState, offersInput } from '../../test/fixtures/offers/build-offers.ts';
import { exposeAll, nic, policy } from '../../test/fixtures/plan/build-example.ts';
import type { ParentEntry } from '../nodepolicy/rule.ts';
import { tagPrefix } from '../plan/from-tags.ts';
import type { InterfaceFacts } from '../plan/interfaces.ts';
import type { NodePlan, PlannedResource } from '../plan/node-plan.ts';
import { planNode } from '../plan/plan-node.ts';
import type { Offer } from './offers.ts';
import { collectOffers } from './offers-index.ts';

const altNames: Readonly<Record<string, readonly string[]>> = { eth0: ['lan'], eth1: ['wan', 'data'] };

const ifindexes: Readonly<Record<string, number>> = { eth0: 1, eth1: 2, eth2: 3, bond1: 4 };

/** A VLAN that the node plugin created, one that an administrator created, and one that cannot be used. */
const vlans = [
  nic('eth0.100', { kind: 'vlan', lowerIfindex: 1, vlan: { id: 100, protocol: '802.1Q', managed: true } }),
  nic('storage', { kind: 'vlan', lowerIfindex: 4, vlan: { id: 100, protocol: '802.1Q' } }),
  nic('provider', { kind: 'vlan', lowerIfindex: 2, vlan: { id: 100, protocol: '802.1ad' } }),
];

const interfaces: fc.Arbitrary<readonly InterfaceFacts[]> = fc
  .subarray(['eth0', 'eth1', 'eth2', 'bond1'])
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({ defaultRoute: fc.boolean(), numaNode: fc.nat(1), mtu: fc.constantFrom(1500, 9000) }).map((facts) =>
          nic(name, {
            ...facts,
            ifindex: ifindexes[name] ?? 9,
            ...(altNames[name] && { altNames: [...altNames[name]] }),
          }),
        ),
      ),
    ),
  )
  .chain((nics) => fc.subarray(vlans).map((upper) => [...nics, ...upper]));

const entry: fc.Arbitrary<ParentEntry> = fc
  .record({
    parent: fc.constantFrom<ParentEntry>(
      { parentIface: 'eth0' },
      { parentIface: 'lan' },
      { parentIface: 'data' },
      { parentIface: 'bond1' },
      { nicSelector: { names: ['eth*'] } },
      { nicSelector: { names: ['*'], exclude: { defaultRoute: true } } },
      { nicSelector: { numaNodes: [0] } },
    ),
    mode: fc.constantFrom('bridge', 'vepa', 'passthru'),
    name: fc.constantFrom({}, { resourceName: 'data' }, { resourceName: 'eth0' }),
    allow: fc.constantFrom({}, { allowHostInterface: true }),
    vlan: fc.constantFrom({}, {}, { vlan: 100 }, { vlan: 200 }),
  })
  .map(({ parent, mode, name, allow, vlan }) => ({ ...parent, mode, ...name, ...allow, ...vlan }));

const policies = fc
  .array(fc.array(entry, { minLength: 1, maxLength: 3 }), { maxLength: 3 })
  .map((all) => all.map((parentSelector, index) => policy(`p${index}`, { parentSelector })));

const labels = fc.constantFrom({}, {}, { [`${tagPrefix}eth0`]: 'vepa', [`${tagPrefix}lan`]: '' });

const explicit = fc.constantFrom(
  undefined,
  undefined,
  '[{"name":"data","lowerDevice":"lan","mode":"vepa"},{"name":"data","lowerDevice":"eth1"},{"name":"b","lowerDevice":"eth0"}]',
);

it('the exposed offers are exactly the resources that a node plans and reports', () => {
  fc.assert(
    fc.property(interfaces, policies, labels, explicit, (facts, all, own, text) => {
      const given = { policies: all, labels: { h1: own }, ...(text !== undefined && { explicit: text }) };
      const input = offersInput({ ...given, nodes: ['h1'] });
      const plan = planNode({ name: 'h1', labels: own }, facts, { ...input, implicit: exposeAll });
      const states = { h1: reportOf(plan, facts) };
      const offers = collectOffers(offersInput({ ...given, states }));
      const exposed = offers.resources.flatMap((name) => offers.ofResource(name)).filter(({ nodes }) => nodes > 0);
      assert.deepEqual(exposed.map(brief).sort(), plan.resources.map(brief).sort());
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

it('every resource that a node plans because of policies is offered before the node exposes it', () => {
  fc.assert(
    fc.property(interfaces, policies, (facts, all) => {
      const input = offersInput({ policies: all, states: { h1: nodeState([], facts) } });
      const { resources } = planNode({ name: 'h1', labels: {} }, facts, { ...input, implicit: undefined });
      const offers = collectOffers(input);
      for (const { name, policy: id, mode } of resources) {
        const alike = offers.ofResource(name).filter((offer) => offer.policy === id && offer.mode === mode);
        assert.equal(alike.length, 1, name);
      }
    }),
    { seed: 1, numRuns: 2_000 },
  );
});

it('the offers do not depend on the order of policies and nodes', () => {
  fc.assert(
    fc.property(fc.array(interfaces, { minLength: 2, maxLength: 3 }), policies, (nodes, all) => {
      const offered = nodes.map((facts, index) => {
        const name = `h${index}`;
        const wanted = { ...offersInput({ policies: all }), implicit: exposeAll };
        const plan = planNode({ name, labels: {} }, facts, wanted);
        return [name, index === 0 ? nodeState([], facts) : reportOf(plan, facts)] as const;
      });
      const offers = collectOffers(offersInput({ policies: all, states: Object.fromEntries(offered) }));
      const turned = { policies: all.toReversed(), states: Object.fromEntries(offered.toReversed()) };
      const others = collectOffers(offersInput(turned));
      assert.deepEqual(others.fromPolicies, offers.fromPolicies);
      assert.deepEqual(others.resources, offers.resources);
      for (const name of offers.resources) assert.deepEqual(others.ofResource(name), offers.ofResource(name));
    }),
    { seed: 1, numRuns: 500 },
  );
});

/** Returns the state that the node plugin reports for its plan. */
function reportOf({ resources }: NodePlan, facts: readonly InterfaceFacts[]) {
  const offered = resources.map(({ name, parent, mode, source, policy: id, entry: index, quantity }) => ({
    ...{ name, parent, mode, source, quantity },
    ...(id !== undefined && { policy: id }),
    ...(index !== undefined && { entry: index }),
  }));
  return nodeState(offered, facts);
}

function brief(one: Offer | PlannedResource): string {
  const { source, policy: id, mode, quantity } = one;
  const [name, parents] = 'name' in one ? [one.name, [one.parent]] : [one.resource, one.parents];
  return `${name} ${source} ${id ?? ''} ${mode} ${parents.join()} ${quantity}`;
}
