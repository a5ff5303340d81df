// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exposeAll, nic, policy } from '../../test/fixtures/plan/build-example.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { LabelSelector, ParentEntry } from '../nodepolicy/rule.ts';
import { checkSuitability } from './candidate.ts';
import { readExplicit } from './from-explicit.ts';
import { tagPrefix } from './from-tags.ts';
import { type InterfaceFacts, indexInterfaces } from './interfaces.ts';
import { type Labels, matchNode } from './match-labels.ts';
import type { NodePlan } from './node-plan.ts';
import { type ImplicitExposure, planBoth, planNode } from './plan-node.ts';
import { vlanLinkNames } from './vlan.ts';

/**
 * There are only a few names, so that entries, altnames, resources, masters and stacked links often refer to each
 * other.
 */
const linkNames = ['eth0', 'eth1', 'eth2', 'eth10', 'bond1', 'é@1', 'mvt0123456789ab'] as const;
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const link = fc
  .record({
    kind: fc.constantFrom('device', 'device', 'device', 'bond', 'vlan', 'macvtap'),
    ethernet: fc.constantFrom(true, true, true, false),
    loopback: fc.constantFrom(false, false, false, true),
    defaultRoute: fc.constantFrom(false, false, true),
    master: maybe(fc.constantFrom({ name: 'bond1', kind: 'bond' }, { name: 'blue', kind: 'vrf' })),
    driver: maybe(fc.constantFrom('ixgbe', 'veth')),
    numaNode: maybe(fc.nat(1)),
    ifindex: maybe(fc.integer({ min: 1, max: 4 })),
    lowerIfindex: maybe(fc.integer({ min: 1, max: 4 })),
    altName: maybe(fc.constantFrom('lan', 'wan', 'eth10')),
    addresses: fc.constantFrom([], [], ['192.0.2.1/24']),
    vlan: maybe(
      fc.record({
        id: fc.constantFrom(100, 200),
        protocol: fc.constantFrom('802.1Q', '802.1Q', '802.1ad'),
        managed: fc.boolean(),
      }),
    ),
  })
  .map(({ altName, ...facts }) => ({ ...defined(facts), ...(altName !== undefined && { altNames: [altName] }) }));

/** As in the kernel, each name is used once, and each altname belongs to only one interface. */
const interfaces = fc
  .dictionary(fc.constantFrom(...linkNames), link, { maxKeys: 6 })
  .map((links) => onlyFirstAltNames(Object.entries(links).map(([name, facts]) => nic(name, facts as object))));

const entry: fc.Arbitrary<ParentEntry> = fc
  .record({
    parent: fc.constantFrom<ParentEntry>(
      { parentIface: 'eth0' },
      { parentIface: 'eth1' },
      { parentIface: 'lan' },
      { parentIface: 'bond1' },
      { nicSelector: { names: ['*'] } },
      { nicSelector: { names: ['eth*'], exclude: { defaultRoute: true } } },
      { nicSelector: { drivers: ['ixgbe'] } },
      { nicSelector: { numaNodes: [0] } },
    ),
    mode: maybe(fc.constantFrom('bridge', 'vepa', 'passthru', 'passthru')),
    resourceName: maybe(fc.constantFrom('eth0', 'data', 'fast')),
    allowHostInterface: maybe(fc.boolean()),
    excludeTopology: maybe(fc.boolean()),
    vlan: maybe(fc.constantFrom(100, 200)),
  })
  .map(({ parent, ...rest }) => ({ ...parent, ...defined(rest) }));

const policyParts = fc.record({
  parentSelector: fc.array(entry, { minLength: 1, maxLength: 4 }),
  resourceName: maybe(fc.constant('data')),
  priority: maybe(fc.constantFrom(0, 99)),
  nodeSelector: maybe(
    fc.constantFrom<LabelSelector>({}, { matchLabels: { zone: 'a' } }, { matchLabels: { zone: 'b' } }),
  ),
  created: maybe(fc.constantFrom('2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z')),
  namespace: fc.constantFrom('macvtap-cni', 'macvtap-cni', 'macvtap-cni', 'tenant'),
});

const policies: fc.Arbitrary<readonly Policy[]> = fc.array(policyParts, { maxLength: 4 }).map((list) =>
  list.map(({ created, namespace, parentSelector, resourceName, ...spec }, index) => {
    const named = { ...defined(spec), ...(resourceName !== undefined && { resourceName }) };
    const plain = parentSelector.map(({ resourceName: own, ...rest }) =>
      own === undefined || resourceName !== undefined ? rest : { ...rest, resourceName: own },
    );
    const metadata = { namespace, ...(created !== undefined && { creationTimestamp: created }) };
    return policy(`p${index}`, { parentSelector: plain, ...named }, metadata);
  }),
);

const labels: fc.Arbitrary<Labels> = fc.dictionary(
  fc.constantFrom('zone', `${tagPrefix}eth0`, `${tagPrefix}eth1`, `${tagPrefix}lan`),
  fc.constantFrom('a', 'b', '', 'vepa', 'passthru'),
);

const explicit = fc.constantFrom(
  undefined,
  undefined,
  '[]',
  '[',
  '[{"name":"data","lowerDevice":"eth0","mode":"passthru"},{"name":"b","lowerDevice":"eth0"},{"name":"data","lowerDevice":"lan"}]',
);

interface World {
  readonly interfaces: readonly InterfaceFacts[];
  readonly labels: Labels;
  readonly policies: readonly Policy[];
  readonly explicit: string | undefined;
  readonly implicit: ImplicitExposure | undefined;
}

const world: fc.Arbitrary<World> = fc.record({
  interfaces,
  labels,
  policies,
  explicit,
  implicit: fc.constantFrom(exposeAll, { linkKinds: ['device', 'vlan', 'macvtap'], exclude: [] }, undefined),
});

const runs = { numRuns: 1_000 };

describe('the plan of a node', () => {
  it('does not depend on the order of interfaces, policies or labels', () => {
    const shuffled = world.chain((given) =>
      fc.record({
        given: fc.constant(given),
        interfaces: shuffle(given.interfaces),
        policies: shuffle(given.policies),
        labels: shuffle(Object.entries(given.labels)).map((pairs) => Object.fromEntries(pairs)),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ given, ...other }) => assert.deepEqual(planOf({ ...given, ...other }), planOf(given))),
      runs,
    );
  });

  it('for two versions of the sources equals two separate plans', () => {
    const edited = world.chain((given) =>
      fc.record({ given: fc.constant(given), kept: fc.subarray([...given.policies]), other: policies }),
    );
    fc.assert(
      fc.property(edited, ({ given, kept, other }) => {
        const node = { name: 'h1', labels: given.labels };
        const before = { policies: given.policies, explicit: undefined, implicit: given.implicit };
        const after = {
          ...before,
          policies: [...other, ...kept.filter(({ id }) => other.every((each) => each.id !== id))],
        };
        assert.deepEqual(planBoth(node, given.interfaces, before, after), {
          before: planNode(node, given.interfaces, before),
          after: planNode(node, given.interfaces, after),
        });
      }),
      runs,
    );
  });

  it('does not change its input', () => {
    fc.assert(
      fc.property(world, (given) => {
        const before = JSON.stringify(given);
        planOf(given);
        assert.equal(JSON.stringify(given), before);
      }),
    );
  });

  it('has no two resources with the same name', () => {
    everyPlan(({ resources }) => {
      assert.equal(new Set(resources.map(({ name }) => name)).size, resources.length);
    });
  });

  it('has no other resource on the parent of a passthru resource', () => {
    everyPlan(({ resources }) => {
      for (const whole of resources.filter(({ mode }) => mode === 'passthru')) {
        assert.deepEqual(
          resources.filter(({ parent }) => parent === whole.parent),
          [whole],
        );
        assert.equal(whole.quantity, 1);
      }
    });
  });

  it('uses only interfaces that exist and are suitable, or VLANs that can be created on such interfaces', () => {
    everyPlan(({ resources }, given) => {
      const index = indexInterfaces(given.interfaces);
      for (const { name, parent, mode, vlan } of resources) {
        const found = index.find(parent);
        const use = { resourceName: name, mode, allowHostInterface: true };
        if (found === undefined) {
          const lower = index.find(vlan?.lower ?? '');
          assert.ok(lower !== undefined && lower.name === vlan?.lower && lower.kind !== 'vlan');
          assert.equal(parent, vlanLinkNames(lower.name, vlan.id).name);
          assert.equal(checkSuitability(lower, use, index), undefined);
          continue;
        }
        assert.equal(found.name, parent);
        assert.equal(checkSuitability(found, use, index), undefined);
        if (vlan !== undefined) assert.deepEqual([found.vlan?.id, found.vlan?.protocol], [vlan.id, '802.1Q']);
      }
    });
  });

  it('has only resources of its source', () => {
    everyPlan(({ source, resources }) => {
      assert.ok(resources.every((resource) => resource.source === source));
    });
  });

  it('has the source policy exactly if a policy in the namespace of the installation selects the node', () => {
    everyPlan(({ source }, given) => {
      const selecting = given.policies.filter(
        ({ id, nodes }) => id.startsWith('macvtap-cni/') && selects(nodes, given),
      );
      assert.equal(source === 'policy', selecting.length > 0);
    });
  });

  it('does not depend on policies that do not select the node', () => {
    fc.assert(
      fc.property(world, (given) => {
        const selecting = given.policies.filter(({ nodes }) => selects(nodes, given));
        assert.deepEqual(planOf({ ...given, policies: selecting }), planOf(given));
      }),
      runs,
    );
  });

  it('has a winner for every conflict: another resource has the name or the parent', () => {
    everyPlan(({ resources, conflicts }) => {
      for (const { code, resource, interface: parent } of conflicts) {
        const taken = (other: NodePlan['resources'][number]) =>
          code === 'ResourceNameTaken' ? other.name === resource : other.parent === parent;
        assert.ok(resources.some(taken));
      }
    });
  });
});

function planOf({ interfaces: facts, labels: own, policies: all, explicit: text, implicit }: World): NodePlan {
  const config = text === undefined ? undefined : readExplicit(text);
  return planNode({ name: 'h1', labels: own }, facts, { policies: all, explicit: config, implicit });
}

function everyPlan(check: (plan: NodePlan, given: World) => void): void {
  fc.assert(
    fc.property(world, (given) => check(planOf(given), given)),
    runs,
  );
}

function selects(nodes: Policy['nodes'], { labels: own }: World): boolean {
  return matchNode({ name: 'h1', labels: own }, nodes);
}

function shuffle<T>(items: readonly T[]): fc.Arbitrary<T[]> {
  return fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
}

function onlyFirstAltNames(links: readonly InterfaceFacts[]): readonly InterfaceFacts[] {
  const seen = new Set(links.map(({ name }) => name));
  return links.map(({ altNames, ...rest }) => {
    const free = (altNames ?? []).filter((name) => !seen.has(name));
    for (const name of free) seen.add(name);
    return { ...rest, ...(free.length > 0 && { altNames: free }) };
  });
}

/** Removes keys whose value is undefined, because exactOptionalPropertyTypes does not allow them. */
function defined<T extends object>(record: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
}
