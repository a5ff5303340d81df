// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Snapshot } from '../../cluster/source.ts';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import { brief, entries, exposeAll } from '../../test/fixtures/plan/build-example.ts';
import type { View } from '../view/view.ts';
import { planSnapshot } from './plan-snapshot.ts';

/** Builds a cluster of nodes with these interfaces. A node with undefined interfaces has no NodeState. */
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
    leftOut: new Map(),
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

/** Returns a line for each plan, such as `h1: eth0=eth0/bridge/100`, and then the errors. */
function told(...given: Parameters<typeof planSnapshot>): readonly string[] {
  const { plans, faults } = planSnapshot(...given);
  return [...plans.map((plan) => `${plan.node}: ${brief(plan).join(' ')}`), ...faults];
}

describe('the plans of a snapshot', () => {
  it('cover all nodes, in natural order', () => {
    assert.deepEqual(told(cluster({ h10: ['eth0'], h2: ['eth1'] }), exposeAll, undefined), [
      'h2: eth1=eth1/bridge/100',
      'h10: eth0=eth0/bridge/100',
    ]);
  });

  it('cover one node on request, even if there are errors of other nodes', () => {
    assert.deepEqual(told(cluster({ h1: ['eth0'], h2: undefined }), exposeAll, 'h1'), ['h1: eth0=eth0/bridge/100']);
  });

  it('cover all nodes except one whose report throws, which causes an error with its name', () => {
    const { snapshot, ...rest } = cluster({ h1: ['eth0'] });
    const hostile = {
      ...nodeState('evil', []),
      status: {
        interfaces: [
          {
            get name(): never {
              throw new RangeError('too deep');
            },
          },
        ],
      },
    };
    const nodes = new Map([...snapshot.nodes, ['evil', { name: 'evil', labels: {} }]]);
    const nodeStates = new Map([...snapshot.nodeStates, ['evil', hostile]]);
    assert.deepEqual(told({ snapshot: { ...snapshot, nodes, nodeStates }, ...rest }, exposeAll, undefined), [
      'h1: eth0=eth0/bridge/100',
      'Node evil: reading it failed: too deep; this is a bug',
    ]);
  });

  it('omit a node whose report is ignored, because the view already reports it', () => {
    const { snapshot, ...rest } = cluster({ h1: ['eth0'], evil: undefined });
    const leftOut = new Map([['evil', 'status.interfaces: 4096, and at most 1000 are read']]);
    assert.deepEqual(told({ snapshot: { ...snapshot, leftOut }, ...rest }, exposeAll, undefined), [
      'h1: eth0=eth0/bridge/100',
    ]);
  });

  it('depend on policies and on the given implicit exposure', () => {
    const { snapshot, ...rest } = cluster({ h1: ['eth0', 'eth1'] });
    const policies = [entries({ parentIface: 'eth1', resourceName: 'data' })];
    assert.deepEqual(told({ snapshot: { ...snapshot, policies }, ...rest }, exposeAll, undefined), [
      'h1: data=eth1/bridge/100',
    ]);
    assert.deepEqual(told({ snapshot, ...rest }, undefined, undefined), ['h1: ']);
  });

  it('include a node without interfaces, but not a node whose interfaces are unknown', () => {
    assert.deepEqual(told(cluster({ h1: [], h2: undefined }), exposeAll, undefined), [
      'h1: ',
      'Node h2: its interfaces are not known; list them in a MacvtapNetworkNodeState h2, in status.interfaces',
    ]);
  });
});

describe('an error of planning', () => {
  it('names a Node that the files do not contain', () => {
    assert.deepEqual(told(cluster({ h1: [] }), exposeAll, 'h9'), [
      'Node h9: not among the files; add it or check --node',
    ]);
  });

  it('is one line for several nodes', () => {
    assert.deepEqual(told(cluster({ h1: undefined, h2: undefined }), exposeAll, undefined), [
      'Nodes h1 and h2: their interfaces are not known; list them in a MacvtapNetworkNodeState of each, in status.interfaces',
    ]);
  });

  it('reports files without a Node', () => {
    assert.deepEqual(told(cluster({}), exposeAll, undefined), ['no Node among the files; add one']);
  });

  it('has a different text for a cluster than for files', () => {
    const client = { server: 'https://10.0.0.1:6443' } as NonNullable<View['client']>;
    assert.deepEqual(told({ ...cluster({ h1: undefined }), client }, exposeAll, undefined), [
      'Node h1: its interfaces are not known: it has no MacvtapNetworkNodeState; check that the node plugin runs there',
    ]);
    assert.deepEqual(told({ ...cluster({}), client }, exposeAll, undefined), ['the cluster has no Node']);
    assert.deepEqual(told({ ...cluster({}), client }, exposeAll, 'h9'), ['Node h9: not in the cluster; check --node']);
  });

  it('does not mention nodes if the parts that describe them could not be read', () => {
    const missing = [{ what: 'MacvtapNetworkNodeStates', message: 'forbidden' }];
    assert.deepEqual(told({ ...cluster({ h1: undefined }), missing }, exposeAll, undefined), []);
    assert.deepEqual(told({ ...cluster({}), missing: [{ what: 'Nodes', message: '' }] }, exposeAll, undefined), []);
  });
});
