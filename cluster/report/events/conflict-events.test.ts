// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { readPolicy } from '../../../policy/nodepolicy/read-policy.ts';
import { conflictEvents } from './conflict-events.ts';

type Status = NonNullable<MacvtapNetworkNodeState['status']>;

const policies = ['winner', 'loser'].map((name) =>
  readPolicy(
    {
      metadata: { name, namespace: 'macvtap-cni', uid: `uid-${name}` },
      spec: { parentSelector: [{ parentIface: 'eth1' }] },
    },
    { policyNamespace: 'macvtap-cni' },
  ),
);
const conflict = {
  name: 'macvtap-cni/loser[0] eth1',
  policy: 'macvtap-cni/loser',
  entry: 0,
  code: 'ResourceNameTaken',
  by: 'macvtap-cni/winner',
  message: 'as the node says',
};
const state = (status: Status) => ({ apiVersion: 'v1alpha1', kind: 'MacvtapNetworkNodeState', metadata: {}, status });
const told = (states: Readonly<Record<string, Status>>, nodes = Object.keys(states)) =>
  conflictEvents({
    policies,
    nodes: new Map(nodes.map((name) => [name, { name, labels: {} }])),
    nodeStates: new Map(Object.entries(states).map(([name, status]) => [name, state(status)])),
  });

describe('a conflict of policies', () => {
  it('is told on the one that lost: who won, and on how many nodes', () => {
    const [found, ...more] = told({ h10: { conflicts: [conflict] }, h2: { conflicts: [conflict] } });
    assert.deepEqual(more, []);
    assert.deepEqual(found?.event.regarding, {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      namespace: 'macvtap-cni',
      name: 'loser',
      uid: 'uid-loser',
    });
    assert.match(
      found.event.note,
      /^policy macvtap-cni\/winner comes first on 2 nodes \(h2, h10\): .*ResourceNameTaken/,
    );
  });

  it('on many nodes names a few, and is the same one however many there are', () => {
    const many = Array.from({ length: 200 }, (_, at) => [`h${at}`, { conflicts: [conflict, conflict] }]);
    const [found] = told(Object.fromEntries(many));
    const [one] = told({ h1: { conflicts: [conflict] } });
    assert.match(found?.event.note ?? '', /on 200 nodes \(h0, h1, h2, h3, h4, …\)/);
    assert.equal(found?.key, one?.key);
  });

  it('about an interface that one of them has for itself names the policy that has it', () => {
    const taken = { ...conflict, code: 'PassthruExclusive', by: 'dataplane' };
    const origin = { source: 'policy', policy: 'macvtap-cni/winner' } as const;
    const resource = { ...origin, name: 'dataplane', mode: 'passthru', quantity: 1, health: 'Healthy' } as const;
    const [found] = told({ h1: { conflicts: [taken], resources: [resource] } });
    assert.match(
      found?.event.note ?? '',
      /^policy macvtap-cni\/winner comes first on 1 node \(h1\): .*PassthruExclusive/,
    );
    // While the node's state lacks the resource nobody knows whose it is.
    assert.deepEqual(told({ h1: { conflicts: [taken] } }), []);
  });

  for (const [title, status] of [
    ['within a policy', { conflicts: [{ ...conflict, by: 'macvtap-cni/loser' }] }],
    ['of a policy that is gone', { conflicts: [{ ...conflict, policy: 'macvtap-cni/gone' }] }],
    ['for a reason of a newer version', { conflicts: [{ ...conflict, code: 'NewReason' }] }],
    [
      'without a winner',
      { conflicts: [{ name: 'x', policy: 'macvtap-cni/loser', code: 'ResourceNameTaken', message: '' }] },
    ],
    ['that is none', {}],
  ] as const satisfies [string, Status][]) {
    it(`${title} is not told`, () => assert.deepEqual(told({ h1: status }), []));
  }

  it('that the state of a node tells which is gone is not told', () => {
    assert.deepEqual(told({ h1: { conflicts: [conflict] } }, []), []);
  });
});
