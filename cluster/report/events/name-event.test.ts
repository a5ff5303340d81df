// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterEvent } from './cluster-event.ts';
import { nameEvent } from './name-event.ts';

const event: ClusterEvent = {
  type: 'Warning',
  reason: 'AttachFailed',
  action: 'ADD',
  regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'vms', name: 'vm-a', uid: 'uid-a' },
  note: 'no device',
};

describe("an event's name", () => {
  it('is the same for the same event', () => {
    assert.equal(nameEvent('a', event), nameEvent('a', structuredClone(event)));
  });

  it('is another one for another source, object, reason, action or text', () => {
    const others: readonly (readonly [string, ClusterEvent])[] = [
      ['b', event],
      ['a', { ...event, type: 'Normal' }],
      ['a', { ...event, reason: 'AttachmentLost' }],
      ['a', { ...event, action: 'DEL' }],
      ['a', { ...event, note: 'another' }],
      ['a', { ...event, regarding: { ...event.regarding, namespace: 'other' } }],
      ['a', { ...event, regarding: { ...event.regarding, uid: 'uid-b' } }],
    ];
    const names = [nameEvent('a', event), ...others.map(([component, other]) => nameEvent(component, other))];
    assert.equal(new Set(names).size, names.length);
  });

  it("is a legal one however long the object's is, and wherever that is cut", () => {
    for (const name of ['a'.repeat(253), `${'a'.repeat(235)}.b`, `${'a'.repeat(235)}-.-b`]) {
      const made = nameEvent('a', { ...event, regarding: { ...event.regarding, name } });
      assert.match(made, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
      assert.ok(made.length <= 253, made);
    }
  });
});
