// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptySnapshot, type Snapshot } from '../../cluster/snapshot.ts';
import { policy } from '../../test/fixtures/plan/build-example.ts';
import { buildStatus, type StatusFacts } from './build-status.ts';

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
  return { snapshot, policies: [], pluginPods: undefined, knowsNodes: true, knowsStates: true, ...more };
}

const doubts = (given: StatusFacts) =>
  Object.fromEntries(buildStatus(given).nodes.map((node) => [node.name, node.doubts]));

const pod = (node: string, ready: string) => ({
  metadata: { name: `plugin-${node}` },
  spec: { nodeName: node },
  status: { conditions: [{ type: 'Ready', status: ready }] },
});

describe('what is told of a node may not be how it is', () => {
  it('is not said of nodes that report everything', () => {
    const pluginPods = [pod('h1', 'True'), pod('h2', 'True')];
    assert.deepEqual(doubts(facts({ h1: sound, h2: sound }, { pluginPods })), { h1: [], h2: [] });
  });

  it('where it has no NodeState, unless those could not be read', () => {
    assert.match(doubts(facts({ h1: sound })).h2?.join() ?? '', /^reports nothing/);
    assert.deepEqual(doubts(facts({ h1: sound }, { knowsStates: false })).h2, []);
  });

  it('where a NodeState is left of a node that is gone, unless Nodes could not be read', () => {
    const states = { h1: sound, h2: sound, h9: sound };
    assert.match(doubts(facts(states)).h9?.join() ?? '', /no such Node/);
    assert.deepEqual(doubts(facts(states, { knowsNodes: false })).h9, []);
  });

  it('where its plugin is older than that of another node', () => {
    const told = doubts(facts({ h1: { ...sound, pluginVersion: '0.10.0' }, h2: sound }));
    assert.deepEqual(told.h1, []);
    assert.match(told.h2?.join() ?? '', /0\.2\.0, older than 0\.10\.0/);
  });

  it('where it has not followed a policy that selects it', () => {
    const behind = { ...sound, observedPolicies: [{ name: 'macvtap-cni/p', generation: 2 }] };
    const told = doubts(facts({ h1: behind, h2: { ...sound, observedPolicies: [] } }));
    assert.match(told.h1?.join() ?? '', /policy macvtap-cni\/p yet: it is at generation 2, the policy at 3/);
    assert.match(told.h2?.join() ?? '', /it is at none, the policy at 3/);
  });

  it('where no plugin runs, or one that is not ready', () => {
    const told = doubts(facts({ h1: sound, h2: sound }, { pluginPods: [pod('h1', 'False')] }));
    assert.match(told.h1?.join() ?? '', /not ready.*logs of plugin-h1/);
    assert.match(told.h2?.join() ?? '', /no node plugin runs there/);
  });
});

describe('policies of a status', () => {
  it('have their conditions, and are behind where these are of an older generation', () => {
    const condition = { type: 'Accepted', status: 'True', reason: 'Valid', message: 'm' };
    const status = { observedGeneration: 1, matchedNodes: 2, exposingNodes: 1, conditions: [condition] };
    const object = { metadata: { name: 'q', namespace: 'macvtap-cni', generation: 2 }, status };
    const bare = { metadata: { name: 'b', namespace: 'macvtap-cni', generation: 2 } };
    assert.deepEqual(buildStatus(facts({}, { policies: [object, bare] })).policies, [
      { name: 'macvtap-cni/b', conditions: [], isBehind: false },
      { name: 'macvtap-cni/q', conditions: [condition], matchedNodes: 2, exposingNodes: 1, isBehind: true },
    ]);
  });

  it('are not there when they could not be read', () => {
    assert.equal(buildStatus(facts({}, { policies: undefined })).policies, undefined);
  });
});
