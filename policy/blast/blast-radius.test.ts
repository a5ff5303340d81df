// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exposeAll, policy } from '../../test/fixtures/plan/build-example.ts';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry, PolicyObject, PolicySpec } from '../nodepolicy/rule.ts';
import { readInterface } from '../plan/interface-facts.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import { planNode } from '../plan/plan-node.ts';
import { type BlastContext, blastRadius, type PolicyChange } from './blast-radius.ts';

const data = { parentIface: 'eth0', resourceName: 'data', quantity: 25 } as const;
const make = (
  parentSelector: readonly ParentEntry[],
  spec: Partial<PolicySpec> = {},
  metadata: Partial<PolicyObject['metadata']> = {},
) => policy('p', { ...spec, parentSelector }, metadata);
const zone = (value: string) => ({ nodeSelector: { matchLabels: { zone: value } } });

const stateOf = (name: string, status: MacvtapNetworkNodeState['status']): MacvtapNetworkNodeState => ({
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodeState',
  metadata: { name },
  ...(status !== undefined && { status }),
});
const status = (held?: number): MacvtapNetworkNodeState['status'] => ({
  interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
  resources: [
    {
      name: 'data',
      parent: 'eth0',
      mode: 'bridge',
      source: 'policy',
      quantity: 25,
      ...(held !== undefined && { held }),
    },
  ],
});

/** Two nodes in zone a, one in zone b; h1 holds three devices. */
const cluster: BlastContext = {
  nodes: nodeMap(
    { name: 'h1', labels: { zone: 'a' } },
    { name: 'h2', labels: { zone: 'a' } },
    { name: 'h3', labels: { zone: 'b' } },
  ),
  nodeStates: new Map([
    ['h1', stateOf('h1', status(3))],
    ['h2', stateOf('h2', status())],
    ['h3', stateOf('h3', { interfaces: [{ name: 'eth1' }] })],
  ]),
  wanted: { policies: [], explicit: undefined, implicit: exposeAll },
};

function nodeMap(...nodes: readonly NodeFacts[]): BlastContext['nodes'] {
  return new Map(nodes.map((node) => [node.name, node]));
}

function run(change: PolicyChange, context: BlastContext = cluster): { told: readonly string[]; breaths: number } {
  const blast = blastRadius(change, context);
  let breaths = 0;
  let step = blast.next();
  while (!step.done) {
    breaths += 1;
    step = blast.next();
  }
  return { told: step.value.map(({ code, detail }) => `${code} ${detail}`), breaths };
}

describe('the blast radius', () => {
  it('of a creation: what nodes gain, and what implicit exposure they lose', () => {
    assert.deepEqual(run({ after: make([data], zone('a')) }).told, [
      'ResourceLost eth0: 2 nodes lose it: h1, h2',
      'ResourceLost eth1: 2 nodes lose it: h1, h2',
      'ResourceGained data: 2 nodes gain it: h1, h2',
    ]);
  });

  it('of a deletion: what they lose with the devices held, and what they fall back to', () => {
    const before = make([data], zone('a'));
    const context = { ...cluster, wanted: { ...cluster.wanted, policies: [before] } };
    assert.deepEqual(run({ before }, context).told, [
      'ResourceLost data: 2 nodes lose it, 3 devices held: h1, h2',
      'ResourceGained eth0: 2 nodes gain it by implicit exposure: h1, h2',
      'ResourceGained eth1: 2 nodes gain it by implicit exposure: h1, h2',
    ]);
  });

  it('of an edit: what changes, also on nodes that are selected no longer or newly', () => {
    const before = make([data], zone('a'));
    assert.deepEqual(run({ before, after: make([{ ...data, mode: 'vepa' }], zone('a')) }).told, [
      'ResourceChanged data: 2 nodes change it, 3 devices held, mode bridge -> vepa: h1, h2',
    ]);
    assert.deepEqual(run({ before, after: make([data], zone('b')) }).told, [
      'ResourceLost data: 2 nodes lose it, 3 devices held: h1, h2',
      'ResourceLost eth1: 1 node loses it: h3',
      'ResourceGained eth0: 2 nodes gain it by implicit exposure: h1, h2',
      'ResourceGained eth1: 2 nodes gain it by implicit exposure: h1, h2',
    ]);
  });

  it('of an edit that changes nothing is empty', () => {
    const before = make([data], zone('a'));
    assert.deepEqual(run({ before, after: make([data, { parentIface: 'eth9' }], zone('a')) }).told, []);
    assert.deepEqual(run({}).told, []);
  });

  it('counts other policies, and tells of those whose selectors meet it', () => {
    const other = policy('other', { priority: 1, parentSelector: [{ nicSelector: { names: ['eth*'] } }] });
    const context = { ...cluster, wanted: { ...cluster.wanted, policies: [other] } };
    assert.deepEqual(run({ after: make([{ nicSelector: { names: ['eth1'] } }], zone('b')) }, context).told, [
      'PolicyOverlap the other wins, priority 1 before 99; macvtap-cni/other shares eth1 on 1 node: h3',
    ]);
  });

  it('tells which of the selected nodes have not reported their interfaces', () => {
    const nodeStates = new Map([
      ['h1', stateOf('h1', undefined)],
      ['h2', stateOf('h2', { resources: [] })],
    ]);
    const context = { ...cluster, nodeStates };
    assert.deepEqual(run({ after: make([data], zone('a')) }, context).told, [
      'InterfacesUnknown not counted: 2 nodes: h1, h2',
    ]);
    assert.deepEqual(run({ after: make([data], zone('b')) }, context).told, [
      'InterfacesUnknown not counted: 1 node: h3',
    ]);
  });

  it('of a policy outside the namespace of the installation is empty: it never counted', () => {
    const stranger = make([data], {}, { namespace: 'tenant' });
    const context = { ...cluster, nodeStates: new Map() };
    assert.deepEqual(run({ before: stranger }, context).told, []);
    assert.deepEqual(run({ after: stranger }, context).told, []);
  });

  it('yields between slices, the more often the more nodes are planned', () => {
    const nodes = nodeMap(
      ...Array.from({ length: 5_000 }, (_, index) => ({
        name: `n${index}`,
        labels: { zone: index < 100 ? 'a' : 'b' },
      })),
    );
    const nodeStates = new Map([...nodes.keys()].map((name) => [name, stateOf(name, status())]));
    const context = { ...cluster, nodes, nodeStates };
    assert.equal(run({ after: make([data], zone('c')) }, context).breaths, 4);
    const few = run({ after: make([data], zone('a')) }, context);
    assert.ok(few.breaths > 4 && few.told[2] === 'ResourceGained data: 100 nodes gain it: n0, n1, n2, ...');
    assert.ok(run({ after: make([data]) }, context).breaths > few.breaths);
  });
});

describe('the blast radius of any change', () => {
  const selector = fc.constantFrom<Partial<PolicySpec>>({}, zone('a'), zone('b'), zone('c'));
  const entry = fc.constantFrom<ParentEntry>(
    data,
    { ...data, mode: 'vepa' },
    { parentIface: 'eth1' },
    { nicSelector: { names: ['*'] } },
  );
  const change = fc.record({ entries: fc.array(entry, { minLength: 1, maxLength: 2 }), selector });
  const version = fc.option(change, { nil: undefined });
  const other = fc.record({
    entries: fc.array(entry, { minLength: 1, maxLength: 2 }),
    selector,
    priority: fc.constantFrom(0, 99),
  });

  it('is what planning every node of the cluster before and after would tell', () => {
    fc.assert(
      fc.property(version, version, fc.array(other, { maxLength: 2 }), (from, to, rest) => {
        const before = from && make(from.entries, from.selector);
        const after = to && make(to.entries, to.selector);
        const policies = rest.map(({ entries, priority, selector: own }, index) =>
          policy(`o${index}`, { ...own, priority, parentSelector: entries }),
        );
        const told = run(
          { ...(before && { before }), ...(after && { after }) },
          {
            ...cluster,
            wanted: { ...cluster.wanted, policies: before === undefined ? policies : [before, ...policies] },
          },
        ).told;
        const counts = told.flatMap(
          (text) => /^Resource(\w+) ([\w.-]+): (\d+)/.exec(text)?.slice(1, 4).join(' ') ?? [],
        );
        assert.deepEqual(sumUp(counts), sumUp(wholePlans(policies, before, after)));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** `Lost data 1` for each resource of each node, by planning all of them. */
function wholePlans(
  others: readonly Policy[],
  before: Policy | undefined,
  after: Policy | undefined,
): readonly string[] {
  const offered = (version: Policy | undefined) =>
    [...cluster.nodes.values()].map((node) => {
      const interfaces = cluster.nodeStates.get(node.name)?.status?.interfaces?.map(readInterface) ?? [];
      const policies = version === undefined ? others : [...others, version];
      const { resources } = planNode(node, interfaces, { ...cluster.wanted, policies });
      return new Map(
        resources.map(({ name, parent, mode, quantity, numaNodes, needVhostNet }) => [
          name,
          JSON.stringify([parent, mode, quantity, numaNodes, needVhostNet]),
        ]),
      );
    });
  const later = offered(after);
  return offered(before).flatMap((earlier, index) => {
    const now = later[index] ?? new Map<string, string>();
    return [
      ...[...earlier.keys()].filter((name) => !now.has(name)).map((name) => `Lost ${name} 1`),
      ...[...now].flatMap(([name, what]) =>
        !earlier.has(name) ? [`Gained ${name} 1`] : earlier.get(name) === what ? [] : [`Changed ${name} 1`],
      ),
    ];
  });
}

/** Nodes by effect and resource: several lines about one are added up. */
function sumUp(lines: readonly string[]): object {
  const sums: Record<string, number> = {};
  for (const line of lines) {
    const [effect, resource, count] = line.split(' ');
    sums[`${effect} ${resource}`] = (sums[`${effect} ${resource}`] ?? 0) + Number(count);
  }
  return sums;
}
