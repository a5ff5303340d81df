// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pruneFields } from './prune-fields.ts';
import { readObject } from './read-object.ts';

const metadata = { name: 'p', namespace: 'macvtap-cni', uid: '1', labels: { a: 'b' } };
const head = { apiVersion: 'macvtap.network.kubevirt.io/v1alpha1', kind: 'MacvtapNetworkNodePolicy', metadata };

test('fields that only a newer version knows are left out, at any depth, and everything else stays', () => {
  const spec = {
    priority: 1,
    nodeSelector: { matchLabels: { zone: true } },
    parentSelector: [{ parentIface: 'eth0', nicSelector: { names: ['ens*'] } }],
  };
  const newer = {
    ...head,
    spec: {
      ...spec,
      future: 1,
      parentSelector: [{ parentIface: 'eth0', vlan: 7, nicSelector: { names: ['ens*'], slots: [1] } }],
    },
    status: { observedGeneration: 1, future: {} },
  };
  assert.deepEqual(pruneFields('MacvtapNetworkNodePolicy', newer), {
    ...head,
    spec,
    status: { observedGeneration: 1 },
  });
});

test('what is of the wrong type stays as it is, for the schema to refuse', () => {
  for (const spec of [null, 7, 'text', [], { parentSelector: {} }, { parentSelector: [null] }]) {
    const object = { ...head, spec };
    assert.deepEqual(pruneFields('MacvtapNetworkNodePolicy', object), object);
    assert.ok((readObject(object, 'macvtap-cni')?.faults ?? []).length > 0, JSON.stringify(spec));
  }
});

test('what has nothing to leave out is not copied, at any depth', () => {
  const entry = { parentIface: 'eth0' };
  const object = { ...head, spec: { parentSelector: [entry] }, status: { future: 1 } };
  const pruned = pruneFields('MacvtapNetworkNodePolicy', object);
  assert.equal(pruned.spec, object.spec);
  assert.deepEqual(pruned.status, {});
});
