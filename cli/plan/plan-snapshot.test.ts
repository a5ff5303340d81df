// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../cluster/snapshot.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { brief, entries, exposeAll } from '../../test/fixtures/plan/build-example.ts';
import type { View } from '../view/view.ts';
import { planSnapshot } from './plan-snapshot.ts';

/** A cluster of nodes with the interfaces that are known of each; undefined where no NodeState is there. */
function cluster(nodes: Readonly<Record<string, readonly string[] | undefined>>) {
  const states = Object.entries(nodes).flatMap(([name, nics]) =>
    nics === undefined ? [] : [[name, nodeState(name, nics)] as const],
  );
  const snapshot: Snapshot = {
    nodes: new Map(Object.keys(nodes).map((name) => [name, { name, labels: {} }])),
    namespaces: new Map(),
    policies: [],
    networks: new Map(),
    nodeStates: new Map(states),
    explicit: undefined,
  };
  return { snapshot, missing: [], client: undefined };
}

function nodeState(name: string, nics: readonly string[]): MacvtapNetworkNodeState {
  return {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodeState',
    metadata: { name },
    status: { interfaces: nics.map((nic) => ({ name: nic })) },
  };
}

/** `h1: eth0=eth0/bridge/100`, one for each plan, and the faults. */
function told(...given: Parameters<typeof planSnapshot>): readonly string[] {
  const { plans, faults } = planSnapshot(...given);
  return [...plans.map((plan) => `${plan.node}: ${brief(plan).join(' ')}`), ...faults];
}

describe('the plans of a snapshot', () => {
  it('are those of all nodes, in natural order', () => {
    assert.deepEqual(told(cluster({ h10: ['eth0'], h2: ['eth1'] }), exposeAll, undefined), [
      'h2: eth1=eth1/bridge/100',
      'h10: eth0=eth0/bridge/100',
    ]);
  });

  it('are those of one node when only that is asked for, whatever is wrong with the others', () => {
    assert.deepEqual(told(cluster({ h1: ['eth0'], h2: undefined }), exposeAll, 'h1'), ['h1: eth0=eth0/bridge/100']);
  });

  it('follow policies and the exposure that is given', () => {
    const { snapshot, ...rest } = cluster({ h1: ['eth0', 'eth1'] });
    const policies = [entries({ parentIface: 'eth1', resourceName: 'data' })];
    assert.deepEqual(told({ snapshot: { ...snapshot, policies }, ...rest }, exposeAll, undefined), [
      'h1: data=eth1/bridge/100',
    ]);
    assert.deepEqual(told({ snapshot, ...rest }, undefined, undefined), ['h1: ']);
  });

  it('are there for a node without interfaces, but not for one whose interfaces nobody told', () => {
    assert.deepEqual(told(cluster({ h1: [], h2: undefined }), exposeAll, undefined), [
      'h1: ',
      'Node h2: its interfaces are not known; list them in a MacvtapNetworkNodeState h2, in status.interfaces',
    ]);
  });
});

describe('what must be mended first', () => {
  it('is a Node that is not among the files', () => {
    assert.deepEqual(told(cluster({ h1: [] }), exposeAll, 'h9'), [
      'Node h9: not among the files; add it or check --node',
    ]);
  });

  it('is told once of several nodes', () => {
    assert.deepEqual(told(cluster({ h1: undefined, h2: undefined }), exposeAll, undefined), [
      'Nodes h1 and h2: their interfaces are not known; list them in a MacvtapNetworkNodeState of each, in status.interfaces',
    ]);
  });

  it('is a set of files without a Node', () => {
    assert.deepEqual(told(cluster({}), exposeAll, undefined), ['no Node among the files; add one']);
  });

  it('is told of a live cluster in its own words', () => {
    const client = { server: 'https://10.0.0.1:6443' } as NonNullable<View['client']>;
    assert.deepEqual(told({ ...cluster({ h1: undefined }), client }, exposeAll, undefined), [
      'Node h1: its interfaces are not known: it has no MacvtapNetworkNodeState; see whether the node plugin runs there',
    ]);
    assert.deepEqual(told({ ...cluster({}), client }, exposeAll, undefined), ['the cluster has no Node']);
    assert.deepEqual(told({ ...cluster({}), client }, exposeAll, 'h9'), ['Node h9: not in the cluster; check --node']);
  });

  it('is not what could not be read', () => {
    const missing = [{ what: 'MacvtapNetworkNodeStates', message: 'forbidden' }];
    assert.deepEqual(told({ ...cluster({ h1: undefined }), missing }, exposeAll, undefined), []);
    assert.deepEqual(told({ ...cluster({}), missing: [{ what: 'Nodes', message: '' }] }, exposeAll, undefined), []);
  });
});
