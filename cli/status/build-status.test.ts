// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptySnapshot, type Snapshot } from '../../cluster/source.ts';
import { readExplicit } from '../../policy/plan/from-explicit.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { buildStatus } from './build-status.ts';
import { renderStatus } from './render-status.ts';
import type { StatusFacts } from './status-facts.ts';

type Status = NonNullable<NonNullable<ReturnType<Snapshot['nodeStates']['get']>>['status']>;

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const p = policy('p', { parentSelector: [{ parentIface: 'eth0' }] }, { generation: 3 });
const sound: Status = {
  pluginVersion: '0.2.0',
  source: 'policy',
  observedPolicies: [{ name: 'macvtap-cni/p', generation: 3 }],
};

function facts(states: Readonly<Record<string, Status>>, more: Partial<StatusFacts> = {}): StatusFacts {
  const nodes = new Map(['h1', 'h2'].map((name) => [name, { name, labels: {} }]));
  const nodeStates = new Map(
    Object.entries(states).map(([name, status]) => [
      name,
      { apiVersion, kind: 'MacvtapNetworkNodeState', metadata: { name }, status },
    ]),
  );
  const snapshot = { ...emptySnapshot, nodes, nodeStates, policies: [p] };
  return {
    snapshot,
    policyNamespace: 'macvtap-cni',
    policies: [],
    pluginPods: undefined,
    knowsNodes: true,
    knowsStates: true,
    ...more,
  };
}

const doubts = (given: StatusFacts) =>
  Object.fromEntries(buildStatus(given).nodes.map((node) => [node.name, node.doubts]));

const pod = (node: string, ready: string) => ({
  metadata: { name: `plugin-${node}` },
  spec: { nodeName: node },
  status: { conditions: [{ type: 'Ready', status: ready }] },
});

describe('a node has a warning', () => {
  it('unless its report is complete and current', () => {
    const pluginPods = [pod('h1', 'True'), pod('h2', 'True')];
    assert.deepEqual(doubts(facts({ h1: sound, h2: sound }, { pluginPods })), { h1: [], h2: [] });
  });

  it('without a NodeState, unless NodeStates could not be read', () => {
    assert.match(doubts(facts({ h1: sound })).h2?.join() ?? '', /^no report/);
    assert.deepEqual(doubts(facts({ h1: sound }, { knowsStates: false })).h2, []);
  });

  it('with an ignored NodeState, including the reason', () => {
    const { snapshot, ...rest } = facts({ h1: sound });
    const leftOut = new Map([['h2', 'status.interfaces: 4096, and at most 1000 are read']]);
    assert.deepEqual(doubts({ snapshot: { ...snapshot, leftOut }, ...rest }), {
      h1: [],
      h2: ['its MacvtapNetworkNodeState is ignored: status.interfaces: 4096, and at most 1000 are read'],
    });
  });

  it('without a Node for its NodeState, unless Nodes could not be read', () => {
    const states = { h1: sound, h2: sound, h9: sound };
    assert.match(doubts(facts(states)).h9?.join() ?? '', /no such Node/);
    assert.deepEqual(doubts(facts(states, { knowsNodes: false })).h9, []);
  });

  it('with an older plugin than another node', () => {
    const told = doubts(facts({ h1: { ...sound, pluginVersion: '0.10.0' }, h2: sound }));
    assert.deepEqual(told.h1, []);
    assert.match(told.h2?.join() ?? '', /0\.2\.0, other nodes have 0\.10\.0/);
  });

  it('with an older generation of a policy that selects it', () => {
    const behind = { ...sound, observedPolicies: [{ name: 'macvtap-cni/p', generation: 2 }] };
    const told = doubts(facts({ h1: behind, h2: { ...sound, observedPolicies: [] } }));
    assert.match(told.h1?.join() ?? '', /policy macvtap-cni\/p yet: it reports generation 2, the policy has 3/);
    assert.match(told.h2?.join() ?? '', /it reports no generation, the policy has 3/);
  });

  it('without a node plugin, or with one that is not ready', () => {
    const told = doubts(facts({ h1: sound, h2: sound }, { pluginPods: [pod('h1', 'False')] }));
    assert.match(told.h1?.join() ?? '', /not ready.*logs of plugin-h1/);
    assert.match(told.h2?.join() ?? '', /no node plugin runs there/);
  });
});

describe('an invalid explicit configuration', () => {
  const labelled = policy('p', {
    parentSelector: [{ parentIface: 'eth0' }],
    nodeSelector: { matchLabels: { a: 'b' } },
  });
  const withExplicit = (text: string, states: Parameters<typeof facts>[0] = {}) => {
    const given = facts(states);
    const nodes = new Map(given.snapshot.nodes).set('h2', { name: 'h2', labels: { a: 'b' } });
    const snapshot = { ...given.snapshot, nodes, policies: [labelled], explicit: readExplicit(text) };
    return { ...given, snapshot };
  };

  it('is a trouble of each node that no policy selects, whether or not the node reports it', () => {
    const old = { ...sound, troubles: [{ code: 'ExplicitInvalid', message: 'old' }] };
    for (const states of [{}, { h1: old }]) {
      const report = buildStatus(withExplicit('[{]', states));
      const [h1, h2] = report.nodes;
      assert.deepEqual([h1?.troubles.map(({ code }) => code), h2?.troubles], [['ExplicitInvalid'], []]);
      const plain = { paint: (_: string, text: string) => text, width: undefined };
      assert.match(
        renderStatus(report, plain),
        /^h1: ExplicitInvalid: the explicit configuration is invalid: line 1, column 3: .*; to fix it, run kubectl edit configmap macvtap-deviceplugin-config -n macvtap-cni$/m,
      );
    }
  });

  it('is no longer a trouble when it is valid', () =>
    assert.deepEqual(buildStatus(withExplicit('[]')).nodes[0]?.troubles, []));
});

describe('policies of a status', () => {
  it('have their conditions, and are behind if the conditions are for an older generation', () => {
    const condition = { type: 'Accepted', status: 'True', reason: 'Valid', message: 'm' };
    const status = { observedGeneration: 1, matchedNodes: 2, exposingNodes: 1, conditions: [condition] };
    const object = { metadata: { name: 'q', namespace: 'macvtap-cni', generation: 2 }, status };
    const bare = { metadata: { name: 'b', namespace: 'macvtap-cni', generation: 2 } };
    assert.deepEqual(buildStatus(facts({}, { policies: [object, bare] })).policies, [
      { name: 'macvtap-cni/b', conditions: [], isBehind: false },
      { name: 'macvtap-cni/q', conditions: [condition], matchedNodes: 2, exposingNodes: 1, isBehind: true },
    ]);
  });

  it('are absent if they could not be read', () => {
    assert.equal(buildStatus(facts({}, { policies: undefined })).policies, undefined);
  });
});

describe('devices that were allocated before an edit', () => {
  const resource = { name: 'data', source: 'policy', quantity: 10 } as const;
  const moved = (held: number): Status => ({
    ...sound,
    resources: [{ ...resource, held, health: 'Healthy', heldElsewhere: [{ parent: 'eth0', mode: 'bridge', held: 1 }] }],
  });
  const holders = new Map([
    [
      'h1',
      [
        { pod: 'vms/a', devices: new Map([['data', 1]]) },
        { pod: 'vms/b', devices: new Map([['other', 1]]) },
      ],
    ],
  ]);

  it('are listed with the pods of the resource, and with whether all of these pods hold such devices', () => {
    for (const [held, isAll] of [
      [1, true],
      [2, false],
    ] as const) {
      const [h1] = buildStatus(facts({ h1: moved(held) }, { holders })).nodes;
      assert.deepEqual(h1?.formerHolders, [{ resource: 'data', pods: ['vms/a'], isAll }]);
    }
  });

  it('are listed without pods if the pods are unknown', () => {
    assert.equal(buildStatus(facts({ h1: moved(1) })).nodes[0]?.formerHolders, undefined);
  });
});

describe('without an installation', () => {
  it('resources have no health, and nodes have no warnings', () => {
    const state: Status = {
      ...sound,
      resources: [{ name: 'data', source: 'policy', quantity: 10, held: 0, health: 'Healthy' }],
    };
    const { notInstalledIn, nodes } = buildStatus(facts({ h1: state }, { pluginPods: [], notInstalledIn: 'x' }));
    assert.equal(notInstalledIn, 'x');
    assert.deepEqual(
      nodes.map(({ resources, doubts: warnings }) => [resources.map(({ health }) => health), warnings]),
      [
        [[undefined], []],
        [[], []],
      ],
    );
  });
});
