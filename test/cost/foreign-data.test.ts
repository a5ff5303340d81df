// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildGraph } from '../../cli/graph/build-graph.ts';
import { planSnapshot } from '../../cli/plan/plan-snapshot.ts';
import { buildStatus } from '../../cli/status/build-status.ts';
import { readObject } from '../../cluster/objects/read-object.ts';
import { conflictEvents } from '../../cluster/report/leader/persistent-conditions.ts';
import { emptySnapshot, type Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { blastRadius } from '../../policy/blast/blast-radius.ts';
import type { Policy } from '../../policy/nodepolicy/read-policy.ts';
import { collectOffers } from '../../policy/offers/offers-index.ts';
import { plainCandidate } from '../../policy/plan/candidate.ts';
import { candidatesFromExplicit, readExplicit } from '../../policy/plan/from-explicit.ts';
import { type InterfaceFacts, indexInterfaces, type ReportedInterface } from '../../policy/plan/interfaces.ts';
import { planNode, resolveConflicts } from '../../policy/plan/plan-node.ts';
import { checkNamespaceAdmitted } from '../../policy/pod/check-namespace-admitted.ts';
import { markNode, readNodeReport } from '../../policy/status/node-report.ts';
import { explain } from '../../policy/why/explain.ts';
import { exposeAll, nic, policy } from '../fixtures/plan/build-example.ts';
import { whyFacts } from '../fixtures/why/build-facts.ts';
import { countReads } from './count-reads.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;

const node = { name: 'h1', labels: {} };
const nodes = new Map([['h1', node]]);

function many<Item>(count: number, make: (index: number) => Item): Item[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

function stateOf(status: Status): MacvtapNetworkNodeState {
  return {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodeState',
    metadata: { name: 'h1' },
    status,
  };
}

const passthru = policy('passthru', { parentSelector: [{ mode: 'passthru', nicSelector: { names: ['*'] } }] });
const selecting = policy('selecting', { parentSelector: [{ nicSelector: { names: ['*'] } }] });
const numaNodes = policy('numa', { parentSelector: many(64, (index) => ({ nicSelector: { numaNodes: [index] } })) });
const byAltName = policy('alt', { parentSelector: many(64, (index) => ({ parentIface: `alt${index}` })) });

/** Returns links of which each is the lower link of the next one. The last one carries the node's traffic. */
const chain = (count: number): ReportedInterface[] =>
  many(count, (index) => ({
    name: `e${index}`,
    ifindex: index + 1,
    ...(index > 0 && { lowerIfindex: index }),
    ...(index === count - 1 && { defaultRoute: true }),
  }));
const bonds = (count: number): ReportedInterface[] => [
  ...many(count / 2, (index) => ({ name: `b${index}`, kind: 'bond' })),
  ...many(count / 2, (index) => ({
    name: `e${index}`,
    numaNode: index % 64,
    master: { name: `b${index}`, kind: 'bond' },
  })),
];
const oneIfindex = (count: number): ReportedInterface[] =>
  many(count, (index) => ({ name: `e${index}`, ifindex: 1, lowerIfindex: 1, defaultRoute: true }));
const named = (count: number): ReportedInterface[] =>
  many(count, (index) => ({ name: `e${index}`, altNames: [`alt${index}`, `other${index}`] }));
const resources = (count: number): NonNullable<Status['resources']> =>
  many(count, (index) => ({
    ...{ name: `e${index}`, parent: `e${index}`, mode: 'bridge', source: 'policy', quantity: 1 },
    ...{ policy: 'macvtap-cni/selecting', entry: 0 },
  }));
const conflicts = (count: number): NonNullable<Status['conflicts']> =>
  many(count, (index) => ({
    ...{ name: `c${index}`, policy: 'macvtap-cni/passthru', by: `e${index}`, code: 'PassthruExclusive' },
  }));
const full = (count: number): Status => ({
  interfaces: named(count),
  resources: resources(count),
  conflicts: conflicts(count),
  skipped: conflicts(count),
});

/** Runs a generator that yields between slices of its work, and returns its result. */
function run<Result>(steps: Generator<void, Result, void>): Result {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

function readsOfPlan(interfaces: readonly ReportedInterface[], ...policies: readonly Policy[]): number {
  const { value, reads } = countReads(interfaces.map((facts) => nic(facts.name, facts)));
  planNode(node, value, { policies, explicit: undefined, implicit: exposeAll });
  return reads();
}

function readsOfState(status: Status, read: (state: MacvtapNetworkNodeState, snapshot: Snapshot) => unknown): number {
  const { value, reads } = countReads(stateOf(status));
  const policies = [selecting, passthru, byAltName];
  read(value, { ...emptySnapshot, policies, nodes, nodeStates: new Map([['h1', value]]) });
  return reads();
}

const statusOf = (snapshot: Snapshot) =>
  buildStatus({
    snapshot,
    policyNamespace: 'macvtap-cni',
    policies: [],
    pluginPods: undefined,
    knowsNodes: true,
    knowsStates: true,
  });

/**
 * Every loop over foreign data, by its name in the docs. Each function returns the number of reads for a number of
 * items.
 */
const loops: Readonly<Record<string, (count: number) => number>> = {
  'plan: a chain of links': (count) => readsOfPlan(chain(count), passthru),
  'plan: links with one ifindex': (count) => readsOfPlan(oneIfindex(count), passthru),
  'plan: bonds under 64 entries by NUMA node': (count) => readsOfPlan(bonds(count), numaNodes),
  'plan: altnames under 64 entries by name': (count) => readsOfPlan(named(count), byAltName),
  'plan: implicit exposure': (count) => readsOfPlan(named(count)),
  'plan: conflicts of names': (count) => readsOfConflicts(count, () => 'data'),
  'plan: conflicts of parents': (count) => readsOfConflicts(count, (index) => `r${index}`),
  'plan: explicit configuration': (count) => {
    const entries = many(count, (index) => ({ name: `r${index}`, lowerDevice: 'e0' }));
    const { value, reads } = countReads(readExplicit(JSON.stringify(entries)));
    candidatesFromExplicit(value, indexInterfaces([nic('e0')]));
    return reads();
  },
  'offers of a report': (count) =>
    readsOfState(full(count), (state, { policies }) =>
      collectOffers({ policies, nodes, nodeStates: new Map([['h1', state]]), explicit: undefined }),
    ),
  'limits and schema of a report': (count) => readsOfState(full(count), (state) => readObject(state, 'macvtap-cni')),
  'blast radius': (count) =>
    readsOfState(full(count), (_, snapshot) => {
      const wanted = { policies: snapshot.policies, explicit: undefined, implicit: exposeAll };
      run(blastRadius({ before: passthru }, { ...snapshot, wanted }));
    }),
  'status of policies': (count) =>
    readsOfState(full(count), (state) => markNode(selecting, readNodeReport({ node, state }))),
  'conflict events': (count) => readsOfState(full(count), (_, snapshot) => conflictEvents(snapshot)),
  'kubectl macvtap plan': (count) =>
    readsOfState(full(count), (_, snapshot) =>
      planSnapshot({ snapshot, missing: [], client: undefined }, exposeAll, undefined),
    ),
  'kubectl macvtap status and graph': (count) =>
    readsOfState(full(count), (_, snapshot) => buildGraph(statusOf(snapshot), snapshot, exposeAll)),
  'kubectl macvtap why node': (count) => readsOfWhy(count, full(count)),
  'kubectl macvtap why node, of enslaved links': (count) =>
    readsOfWhy(count, { ...full(count), interfaces: bonds(count) }),
  'names of a pod against globs of policies': (count) => {
    const refusing = policy('globs', {
      parentSelector: many(8, (index) => ({ nicSelector: { names: [`x${index}*`] } })),
      namespaceSelector: { matchLabels: { team: 'red' } },
    });
    const { value, reads } = countReads(refusing);
    const offers = collectOffers({ policies: [value], nodes, nodeStates: new Map(), explicit: undefined });
    const limits = Object.fromEntries(many(count, (index) => [`macvtap.network.kubevirt.io/r${index}`, '1']));
    const pod = { metadata: {}, spec: { containers: [{ name: 'c', resources: { limits } }] } };
    checkNamespaceAdmitted(pod, { namespace: 'vms', namespaceLabels: {}, networks: new Map(), offers });
    return reads();
  },
};

function readsOfConflicts(count: number, nameOf: (index: number) => string): number {
  const eth0: InterfaceFacts = nic('eth0');
  const candidates = many(count, (index) =>
    plainCandidate({ source: 'policy' }, nameOf(index), eth0, index === count - 1 ? 'passthru' : 'bridge', 1),
  );
  const { value, reads } = countReads(candidates);
  resolveConflicts(value);
  return reads();
}

function readsOfWhy(count: number, status: Status): number {
  const { value, reads } = countReads(stateOf(status));
  const allocatable = new Map(many(count / 2, (index) => [`e${index}`, 1]));
  const facts = whyFacts({ policies: [selecting, passthru, byAltName], nodes: { h1: { allocatable } } });
  explain({ kind: 'node', name: 'h1' }, { ...facts, nodeStates: new Map([['h1', value]]) });
  return reads();
}

/** Twice the items must take twice the steps. Comparisons of names while sorting add a little. */
const mostRatio = 2.2;

describe('the cost of foreign data is linear in its size', () => {
  for (const [name, readsOf] of Object.entries(loops)) {
    it(name, () => {
      const [once, twice] = [readsOf(400), readsOf(800)];
      assert.ok(once > 0 && twice <= once * mostRatio, `${once} reads for 400 items, ${twice} for 800`);
    });
  }
});
