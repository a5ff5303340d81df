// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptySnapshot, type Snapshot } from '../../cluster/source.ts';
import type { ParentEntry } from '../../policy/nodepolicy/rule.ts';
import { readExplicit } from '../../policy/plan/from-explicit.ts';
import { entries, exposeAll } from '../../test/fixtures/plan/build-example.ts';
import { provePlans } from './prove-plans.ts';

const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
const state = {
  apiVersion,
  kind: 'MacvtapNetworkNodeState',
  metadata: { name: 'h1' },
  status: { interfaces: [{ name: 'eth0' }] },
};
const snapshot: Snapshot = {
  ...emptySnapshot,
  nodes: new Map(['h1', 'h2'].map((name) => [name, { name, labels: {} }])),
  nodeStates: new Map([['h1', state]]),
  explicit: readExplicit('[{"name":"data","lowerDevice":"eth0","capacity":5}]'),
};

const prove = (entry: ParentEntry) => provePlans(snapshot, [entries(entry)], exposeAll);

test('equal plans are a proof, and a node without a report has no proof', () => {
  const [h1, h2] = prove({ parentIface: 'eth0', resourceName: 'data', quantity: 5 });
  assert.deepEqual(h1, { node: 'h1', source: 'explicit', verdict: 'same', resources: 1, devices: 5, why: '' });
  assert.deepEqual([h2?.verdict, h2?.why.includes('MacvtapNetworkNodeState')], ['unknown', true]);
});

test('a change of quantity, mode, parent or name is a difference, in both steps of the migration', () => {
  for (const [entry, why] of [
    [{ parentIface: 'eth0', resourceName: 'data', quantity: 6 }, 'data changed (quantity 5 -> 6)'],
    [{ parentIface: 'eth0', resourceName: 'data', quantity: 5, mode: 'vepa' }, 'data changed (mode bridge -> vepa)'],
    [{ parentIface: 'eth1', resourceName: 'data', quantity: 5 }, 'data lost'],
  ] as const) {
    const [h1] = prove(entry);
    assert.equal(h1?.verdict, 'differs');
    assert.equal(h1?.why, `with the policies: ${why}; without the config map: ${why}`);
  }
});
