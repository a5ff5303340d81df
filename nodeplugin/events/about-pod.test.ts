// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aboutPod } from './about-pod.ts';

describe('a pod that a runtime names', () => {
  it('is found by its UID', () => {
    assert.deepEqual(aboutPod({ namespace: 'vms', name: 'vm-a.b', uid: 'u' }), {
      ...{ apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'vm-a.b', uid: 'u' },
    });
    assert.equal(aboutPod({ namespace: 'vms', name: 'vm-a' })?.uid, undefined);
  });

  for (const [namespace, name] of [
    ['..', 'a'],
    ['', 'a'],
    ['a/b', 'a'],
    ['a'.repeat(64), 'a'],
    ['vms', ''],
    ['vms', '../a'],
    ['vms', 'A'],
    ['vms', 'a'.repeat(254)],
  ] as const) {
    it(`is none where it is called ${JSON.stringify([namespace, name]).slice(0, 40)}`, () =>
      assert.equal(aboutPod({ namespace, name }), undefined));
  }
});
