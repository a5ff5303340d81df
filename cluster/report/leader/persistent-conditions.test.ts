// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import type { MacvtapNetworkNodeState } from '../../../policy/api/macvtap-network-node-state.ts';
import { readPolicy } from '../../../policy/nodepolicy/read-policy.ts';
import type { Offer } from '../../../policy/offers/offers.ts';
import { indexGoverning } from '../../../policy/offers/policies-governing.ts';
import { aboutNode } from '../events/cluster-event.ts';
import {
  conflictEvents,
  createConditionTracker,
  leftOutEvents,
  type PersistentCondition,
  unofferedEvents,
} from './persistent-conditions.ts';

function standing(key: string, note = key): PersistentCondition {
  return {
    key,
    event: { type: 'Warning', reason: 'PolicyConflict', action: 'Plan', regarding: aboutNode('h1'), note },
  };
}

describe('a persistent condition', () => {
  it('is reported once, after it has lasted for a while', () => {
    const events = createConditionTracker(100);
    assert.deepEqual(events.update([standing('a')], 0), []);
    assert.equal(events.waitMs(40), 60);
    assert.deepEqual(events.update([standing('a')], 99), []);
    assert.deepEqual(
      events.update([standing('a', 'newest text')], 100).map(({ note }) => note),
      ['newest text'],
    );
    assert.deepEqual([events.update([standing('a', 'other text')], 1_000), events.waitMs(1_000)], [[], undefined]);
  });

  it('that ends before that time is not reported, and its time restarts', () => {
    const events = createConditionTracker(100);
    events.update([standing('a')], 0);
    events.update([], 50);
    assert.equal(events.waitMs(50), undefined);
    assert.deepEqual(events.update([standing('a')], 100), []);
    assert.equal(events.update([standing('a')], 200).length, 1);
  });

  it('that ended and came back is reported again', () => {
    const events = createConditionTracker(100);
    for (const at of [0, 100]) events.update([standing('a')], at);
    events.update([], 150);
    events.update([standing('a')], 200);
    assert.equal(events.update([standing('a')], 300).length, 1);
  });

  it('is reported after its own time, even if another one was already reported', () => {
    const events = createConditionTracker(100);
    for (const at of [0, 100]) events.update([standing('a')], at);
    events.update([standing('a'), standing('b')], 120);
    assert.equal(events.waitMs(130), 90);
    assert.deepEqual(
      events.update([standing('a'), standing('b')], 220).map(({ note }) => note),
      ['b'],
    );
  });
});

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
  message: 'as the node reports',
};
const state = (status: Status) => ({ apiVersion: 'v1alpha1', kind: 'MacvtapNetworkNodeState', metadata: {}, status });
const conflictsOf = (states: Readonly<Record<string, Status>>, nodes = Object.keys(states)) =>
  conflictEvents({
    policies,
    nodes: new Map(nodes.map((name) => [name, { name, labels: {} }])),
    nodeStates: new Map(Object.entries(states).map(([name, status]) => [name, state(status)])),
  });

describe('a conflict of policies', () => {
  it('is reported as an event of the policy that lost, with the winner and the number of nodes', () => {
    const [found, ...more] = conflictsOf({ h10: { conflicts: [conflict] }, h2: { conflicts: [conflict] } });
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

  it('on many nodes names some of them, and is the same condition for any number of nodes', () => {
    const many = Array.from({ length: 200 }, (_, at) => [`h${at}`, { conflicts: [conflict, conflict] }]);
    const [found] = conflictsOf(Object.fromEntries(many));
    const [one] = conflictsOf({ h1: { conflicts: [conflict] } });
    assert.match(found?.event.note ?? '', /on 200 nodes \(h0, h1, h2, h3, h4, …\)/);
    assert.equal(found?.key, one?.key);
  });

  it('about an interface that is used exclusively names the policy that uses it', () => {
    const taken = { ...conflict, code: 'PassthruExclusive', by: 'dataplane' };
    const origin = { source: 'policy', policy: 'macvtap-cni/winner' } as const;
    const resource = { ...origin, name: 'dataplane', mode: 'passthru', quantity: 1, health: 'Healthy' } as const;
    const [found] = conflictsOf({ h1: { conflicts: [taken], resources: [resource] } });
    assert.match(
      found?.event.note ?? '',
      /^policy macvtap-cni\/winner comes first on 1 node \(h1\): .*PassthruExclusive/,
    );
    // The node's state does not contain the resource, so it is unknown which policy uses the interface.
    assert.deepEqual(conflictsOf({ h1: { conflicts: [taken] } }), []);
  });

  for (const [title, status] of [
    ['within a policy', { conflicts: [{ ...conflict, by: 'macvtap-cni/loser' }] }],
    ['of a deleted policy', { conflicts: [{ ...conflict, policy: 'macvtap-cni/gone' }] }],
    ['with a code of a newer version', { conflicts: [{ ...conflict, code: 'NewReason' }] }],
    [
      'without a winner',
      { conflicts: [{ name: 'x', policy: 'macvtap-cni/loser', code: 'ResourceNameTaken', message: '' }] },
    ],
    ['that is none', {}],
  ] as const satisfies [string, Status][]) {
    it(`${title} is not reported`, () => assert.deepEqual(conflictsOf({ h1: status }), []));
  }

  it('in the state of a deleted node is not reported', () => {
    assert.deepEqual(conflictsOf({ h1: { conflicts: [conflict] } }, []), []);
  });
});

const offer = { source: 'policy', policy: 'macvtap-cni/p', mode: 'bridge', parents: [], quantity: 1 } as const;
const known: Readonly<Record<string, readonly Offer[]>> = {
  dataplane: [{ ...offer, resource: 'dataplane', nodes: 2 }],
  asked: [{ ...offer, resource: 'asked', nodes: 0 }],
};
const offers = {
  ofResource: (name: string) => known[name] ?? [],
  resources: Object.keys(known),
  governing: indexGoverning([]),
};

function unofferedOf(annotation: string | undefined) {
  const metadata = {
    ...{ namespace: 'vms', name: 'blue', uid: 'uid-blue' },
    ...(annotation !== undefined && { annotations: { 'k8s.v1.cni.cncf.io/resourceName': annotation } }),
  };
  return unofferedEvents({ networks: new Map([['vms/blue', { metadata }]]) }, offers);
}

describe('a network', () => {
  it('whose resource no source offers has an event with a similar name', () => {
    const [found] = unofferedOf('macvtap.network.kubevirt.io/dataplnae');
    const { regarding, note } = found?.event ?? assert.fail();
    assert.deepEqual(regarding, {
      ...{ apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' },
      ...{ namespace: 'vms', name: 'blue', uid: 'uid-blue' },
    });
    assert.match(note, /^no policy and no node offers .*\/dataplnae: did you mean dataplane\?; pods .* stay Pending$/);
  });

  it('whose resource no node exposes has an event with the policies that request it', () => {
    const [found] = unofferedOf('macvtap.network.kubevirt.io/asked');
    assert.match(found?.event.note ?? '', /^no node exposes .*\/asked, which policy macvtap-cni\/p asks for: see/);
  });

  for (const [title, annotation] of [
    ['whose resource nodes expose', 'macvtap.network.kubevirt.io/dataplane'],
    ['without a resource', undefined],
    ["with another vendor's resource", 'intel.com/sriov'],
    ['with an invalid resource name', 'macvtap.network.kubevirt.io/a/b'],
  ] as const) {
    it(`${title} has no event`, () => assert.deepEqual(unofferedOf(annotation), []));
  }
});

const nodes = new Map(['evil', 'h1'].map((name) => [name, { name, labels: {} }]));

test('a node whose report is left out has one event, with the reason', () => {
  const leftOut = new Map([['evil', 'status.interfaces: 4096, and at most 1000 are read']]);
  const [found, ...more] = leftOutEvents({ nodes }, leftOut);
  assert.deepEqual([found?.event.reason, found?.event.regarding.name, more], ['NodeStateLeftOut', 'evil', []]);
  assert.match(
    found?.event.note ?? '',
    /^MacvtapNetworkNodeState evil is left out: status\.interfaces: 4096, .*; check/,
  );
  const [later] = leftOutEvents({ nodes }, new Map([['evil', 'status.interfaces: 4095, and at most 1000 are read']]));
  assert.equal(later?.key, found?.key);
});

test('a left-out state without a Node has no event', () => {
  assert.deepEqual(leftOutEvents({ nodes }, new Map([['gone', 'reading it failed']])), []);
});
