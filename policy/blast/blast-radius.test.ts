// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { exposeAll, policy } from '../../test/fixtures/plan/build-example.ts';
import { verdictText } from '../../webhook/admission/responses.ts';
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ParentEntry, PolicyObject, PolicySpec } from '../nodepolicy/rule.ts';
import { readInterface } from '../plan/interfaces.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import { planNode } from '../plan/plan-node.ts';
import type { ResourceChange } from './blast-of-node.ts';
import { type BlastContext, blastRadius, type PolicyChange, summarizeBlast } from './blast-radius.ts';

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

/** A cluster with two nodes in zone a and one in zone b. Pods hold three devices on h1. */
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

function run(change: PolicyChange, context: BlastContext = cluster): { warnings: readonly string[]; slices: number } {
  const blast = blastRadius(change, context);
  let slices = 0;
  let step = blast.next();
  while (!step.done) {
    slices += 1;
    step = blast.next();
  }
  return { warnings: step.value.map(({ code, detail }) => `${code} ${detail}`), slices };
}

describe('the blast radius', () => {
  it('of a new policy lists the gained resources, and the lost resources of implicit exposure', () => {
    assert.deepEqual(run({ after: make([data], zone('a')) }).warnings, [
      'ResourceLost eth0: 2 nodes lose it: h1, h2',
      'ResourceLost eth1: 2 nodes lose it: h1, h2',
      'ResourceGained data: 2 nodes gain it: h1, h2',
    ]);
  });

  it('of a deletion lists the lost resources with their held devices, and the resources of the next source', () => {
    const before = make([data], zone('a'));
    const context = { ...cluster, wanted: { ...cluster.wanted, policies: [before] } };
    assert.deepEqual(run({ before }, context).warnings, [
      'ResourceLost data: 2 nodes lose it, 3 devices held: h1, h2',
      'ResourceGained eth0: 2 nodes gain it by implicit exposure: h1, h2',
      'ResourceGained eth1: 2 nodes gain it by implicit exposure: h1, h2',
    ]);
  });

  it('of an edit lists the changes on all nodes that the policy selects before or after it', () => {
    const before = make([data], zone('a'));
    assert.deepEqual(run({ before, after: make([{ ...data, mode: 'vepa' }], zone('a')) }).warnings, [
      'ResourceChanged data: 2 nodes change it, 3 devices held, mode bridge -> vepa: h1, h2',
    ]);
    assert.deepEqual(run({ before, after: make([data], zone('b')) }).warnings, [
      'ResourceLost data: 2 nodes lose it, 3 devices held: h1, h2',
      'ResourceLost eth1: 1 node loses it: h3',
      'ResourceGained eth0: 2 nodes gain it by implicit exposure: h1, h2',
      'ResourceGained eth1: 2 nodes gain it by implicit exposure: h1, h2',
    ]);
  });

  it('of an edit without effect is empty', () => {
    const before = make([data], zone('a'));
    assert.deepEqual(run({ before, after: make([data, { parentIface: 'eth9' }], zone('a')) }).warnings, []);
    assert.deepEqual(run({}).warnings, []);
  });

  it('takes other policies into account, and warns if their selectors conflict with the policy', () => {
    const other = policy('other', { priority: 1, parentSelector: [{ nicSelector: { names: ['eth*'] } }] });
    const context = { ...cluster, wanted: { ...cluster.wanted, policies: [other] } };
    assert.deepEqual(run({ after: make([{ nicSelector: { names: ['eth1'] } }], zone('b')) }, context).warnings, [
      'PolicyOverlap the other wins, priority 1 before 99; macvtap-cni/other shares eth1 on 1 node: h3',
    ]);
  });

  it('lists the selected nodes that have not reported their interfaces', () => {
    const nodeStates = new Map([
      ['h1', stateOf('h1', undefined)],
      ['h2', stateOf('h2', { resources: [] })],
    ]);
    const context = { ...cluster, nodeStates };
    assert.deepEqual(run({ after: make([data], zone('a')) }, context).warnings, [
      'InterfacesUnknown not counted: 2 nodes: h1, h2',
    ]);
    assert.deepEqual(run({ after: make([data], zone('b')) }, context).warnings, [
      'InterfacesUnknown not counted: 1 node: h3',
    ]);
  });

  it('of a policy outside the namespace of the installation is empty, because the policy has no effect', () => {
    const stranger = make([data], {}, { namespace: 'tenant' });
    const context = { ...cluster, nodeStates: new Map() };
    assert.deepEqual(run({ before: stranger }, context).warnings, []);
    assert.deepEqual(run({ after: stranger }, context).warnings, []);
  });

  it('yields between slices, and more often if more nodes are planned', () => {
    const nodes = nodeMap(
      ...Array.from({ length: 5_000 }, (_, index) => ({
        name: `n${index}`,
        labels: { zone: index < 100 ? 'a' : 'b' },
      })),
    );
    const nodeStates = new Map([...nodes.keys()].map((name) => [name, stateOf(name, status())]));
    const context = { ...cluster, nodes, nodeStates };
    assert.equal(run({ after: make([data], zone('c')) }, context).slices, 4);
    const few = run({ after: make([data], zone('a')) }, context);
    assert.ok(few.slices > 4 && few.warnings[2] === 'ResourceGained data: 100 nodes gain it: n0, n1, n2, ...');
    assert.ok(run({ after: make([data]) }, context).slices > few.slices);
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

  it('equals a comparison of the plans of all nodes before and after the change', () => {
    fc.assert(
      fc.property(version, version, fc.array(other, { maxLength: 2 }), (from, to, rest) => {
        const before = from && make(from.entries, from.selector);
        const after = to && make(to.entries, to.selector);
        const policies = rest.map(({ entries, priority, selector: own }, index) =>
          policy(`o${index}`, { ...own, priority, parentSelector: entries }),
        );
        const warnings = run(
          { ...(before && { before }), ...(after && { after }) },
          {
            ...cluster,
            wanted: { ...cluster.wanted, policies: before === undefined ? policies : [before, ...policies] },
          },
        ).warnings;
        const counts = warnings.flatMap(
          (text) => /^Resource(\w+) ([\w.-]+): (\d+)/.exec(text)?.slice(1, 4).join(' ') ?? [],
        );
        assert.deepEqual(sumUp(counts), sumUp(wholePlans(policies, before, after)));
      }),
      { numRuns: 1_000 },
    );
  });
});

/**
 * Plans all nodes before and after the change. Returns one line for each difference on a node, such as `Lost data 1`.
 */
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

/** Returns the number of nodes by effect and resource. Several lines about the same resource are added up. */
function sumUp(lines: readonly string[]): object {
  const sums: Record<string, number> = {};
  for (const line of lines) {
    const [effect, resource, count] = line.split(' ');
    sums[`${effect} ${resource}`] = (sums[`${effect} ${resource}`] ?? 0) + Number(count);
  }
  return sums;
}

describe('a node whose report throws', () => {
  const hostile = stateOf('h2', {
    interfaces: [
      {
        name: 'eth0',
        get altNames(): never {
          throw new RangeError('too deep');
        },
      },
    ],
  });

  it('is not counted, but the other nodes are', () => {
    const nodeStates = new Map([...cluster.nodeStates, ['h2', hostile]]);
    const steps = blastRadius({ after: make([data]) }, { ...cluster, nodeStates });
    let step = steps.next();
    while (!step.done) step = steps.next();
    const texts = step.value.map(({ code, detail }) => `${code} ${detail}`).join('\n');
    assert.match(texts, /h1/);
    assert.match(texts, /InterfacesUnknown not counted: 1 node: h2/);
  });
});

describe('the slices of the blast radius', () => {
  const slicesOf = (interfaces: number) => {
    const links = Array.from({ length: interfaces }, (_, index) => ({ name: `e${index}` }));
    const names = Array.from({ length: 100 }, (_, index) => `h${index}`);
    const nodeStates = new Map(names.map((name) => [name, stateOf(name, { interfaces: links })]));
    const nodes = nodeMap(...names.map((name) => ({ name, labels: {} })));
    const steps = blastRadius({ after: make([data]) }, { ...cluster, nodes, nodeStates });
    let yields = 0;
    while (!steps.next().done) yields += 1;
    return yields;
  };

  it('depend on the size of the reports, not only on the number of nodes', () => {
    const [few, many] = [slicesOf(10), slicesOf(1_000)];
    assert.ok(few <= 3 && many >= 20, `${few} slices of small nodes, ${many} of large ones`);
  });
});

const change = (effect: ResourceChange['effect'], resource: string, held = 0, how = ''): ResourceChange => ({
  effect,
  resource,
  held,
  how,
});

type Blast = readonly [node: string, ...changes: readonly ResourceChange[]];
const detailsOf = (...blasts: readonly Blast[]) => {
  const summary = summarizeBlast();
  for (const [name, ...changes] of blasts) summary.add(name, changes);
  return summary.verdicts().map(({ code, severity, path, detail }) => {
    assert.deepEqual([severity, path], ['warn', 'spec']);
    assert.ok(detail.length <= 256, detail);
    return `${code} ${detail}`;
  });
};

describe('the summary of a change', () => {
  it('is empty if nothing changes', () => assert.deepEqual(detailsOf(['h1']), []));

  it('adds up nodes and held devices by resource', () => {
    const lost = (held: number) => change('lost', 'dataplane', held);
    assert.deepEqual(detailsOf(['h1', lost(4)], ['h2', lost(8)], ['h3', lost(0)]), [
      'ResourceLost dataplane: 3 nodes lose it, 12 devices held: h1, h2, h3',
    ]);
    assert.deepEqual(detailsOf(['h1', lost(1)]), ['ResourceLost dataplane: 1 node loses it, 1 device held: h1']);
    assert.deepEqual(detailsOf(...['h1', 'h2', 'h3', 'h4'].map((name): Blast => [name, change('gained', 'a')])), [
      'ResourceGained a: 4 nodes gain it: h1, h2, h3, ...',
    ]);
  });

  it('describes how a resource changes, and the source of a gained one', () => {
    assert.deepEqual(
      detailsOf(
        ['h1', change('changed', 'a', 2, 'mode bridge -> vepa'), change('gained', 'b', 0, 'by implicit exposure')],
        ['h2', change('changed', 'a', 0, 'parent eth0 -> eth1'), change('gained', 'b')],
      ),
      [
        'ResourceChanged a: 1 node changes it, 2 devices held, mode bridge -> vepa: h1',
        'ResourceChanged a: 1 node changes it, parent eth0 -> eth1: h2',
        'ResourceGained b: 1 node gains it: h2',
        'ResourceGained b: 1 node gains it by implicit exposure: h1',
      ],
    );
  });

  it('lists losses first, then the changes on most nodes, regardless of the input order', () => {
    const blasts: readonly Blast[] = [
      ['h1', change('gained', 'a'), change('changed', 'b', 0, 'x'), change('lost', 'eth10'), change('lost', 'eth2')],
      ['h2', change('gained', 'a'), change('lost', 'z')],
      ['h3', change('lost', 'z')],
    ];
    const expected = ['z', 'eth2', 'eth10', 'b', 'a'];
    const order = (list: readonly Blast[]) => detailsOf(...list).map((text) => /^\w+ (\w+):/.exec(text)?.[1]);
    assert.deepEqual(order(blasts), expected);
    assert.deepEqual(
      order(blasts.toReversed().map(([name, ...changes]): Blast => [name, ...changes.toReversed()])),
      expected,
    );
  });

  it('joins resources with the same effect, and lists those with held devices first', () => {
    const names = ['bond1', 'eth0', 'eth1', 'eth2', 'eth3', 'eth4', 'eth5', 'eth6', 'eth7'];
    const lost = (held: Readonly<Record<string, number>>) => names.map((name) => change('lost', name, held[name] ?? 0));
    assert.deepEqual(detailsOf(['h1', ...lost({ eth3: 2 }), change('gained', 'dataplane')], ['h2', ...lost({})]), [
      'ResourceLost 9 resources: 2 nodes lose them, 2 devices held: h1, h2; they are eth3 (2 held), bond1, eth0, eth1, eth2, eth4, eth5, eth6, eth7',
      'ResourceGained dataplane: 1 node gains it: h1',
    ]);
    assert.equal(detailsOf(['h1', ...lost({}).slice(0, 3)]).length, 3, 'three resources get separate warnings');
    assert.deepEqual(detailsOf(['h1', ...lost({}).slice(0, 5)], ['h2', ...lost({}).slice(4, 6)]), [
      'ResourceLost 6 resources: 2 nodes lose some of them: h1, h2; they are eth3, bond1, eth0, eth1, eth2, eth4',
    ]);
    const gained = names.map((name, index) => change('gained', name, 0, index < 5 ? 'by implicit exposure' : ''));
    assert.deepEqual(detailsOf(['h1', ...gained]), [
      'ResourceGained 5 resources: 1 node gains them by implicit exposure: h1; they are bond1, eth0, eth1, eth2, eth3',
      'ResourceGained 4 resources: 1 node gains them: h1; they are eth4, eth5, eth6, eth7',
    ]);
  });

  it('counts the changes beyond the limit', () => {
    const many = (count: number, held = 0, name = 'h1'): Blast => [
      name,
      ...Array.from({ length: count }, (_, index) => change('lost', `r${index}`, held, `${index}`)),
    ];
    assert.equal(detailsOf(many(10)).length, 10);
    assert.deepEqual(detailsOf(many(11)).slice(10), ['ResourceLost and 1 change more on 1 node']);
    assert.deepEqual(detailsOf(many(13, 2), many(12, 0, 'h2')).slice(10), [
      'ResourceLost and 3 changes more on 2 nodes, 6 devices held',
    ]);
    const texts = detailsOf(many(10), ['h2', change('gained', 'g1'), change('changed', 'g2', 0, 'x')]);
    assert.deepEqual(texts.slice(10), ['ResourceChanged and 2 changes more on 1 node']);
  });

  it('contains everything but some node names, even if all names have the maximum length', () => {
    const resource = 'r'.repeat(63);
    const names = Array.from({ length: 5_000 }, (_, index) => `ip-10-0-${index}-${'n'.repeat(240)}`);
    const finished = (effect: ResourceChange['effect'], how: string) => {
      const summary = summarizeBlast();
      for (const name of names) summary.add(name, [change(effect, resource, 4_096, how)]);
      return summary.verdicts().map(verdictText);
    };
    const [lost] = finished('lost', '');
    assert.match(lost ?? '', /^ResourceLost spec: .* \(r{63}: 5000 nodes lose it, 20480000 devices held: ip-10-0-0-n+/);
    const [changed] = finished('changed', 'parent ens5f0 -> ens5f1, mode private -> vepa');
    assert.match(changed ?? '', /\(r{63}: 5000 nodes change it, 20480000 devices held, parent ens5f0 -> ens5f1/);
    const [gained] = finished('gained', 'by the explicit configuration');
    assert.match(gained ?? '', /\(r{63}: 5000 nodes gain it by the explicit configuration/);
    for (const text of [lost, changed, gained]) assert.ok((text ?? '').length <= 256);
  });

  it('contains the mode and node names if the names have a usual length', () => {
    const nodes = ['ip-10-0-123-45', 'ip-10-0-123-46', 'ip-10-0-123-47'].map(
      (name) => `${name}.eu-central-1.compute.internal`,
    );
    const summary = summarizeBlast();
    for (const name of nodes) summary.add(name, [change('changed', 'dataplane', 20, 'mode private -> vepa')]);
    const [text] = summary.verdicts().map(verdictText);
    assert.match(
      text ?? '',
      /\(dataplane: 3 nodes change it, 60 devices held, mode private -> vepa: ip-10-0-123-45\..*\)$/,
    );
    assert.ok((text ?? '').length <= 256);
  });
});
