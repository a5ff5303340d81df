// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPod } from './read-pod.ts';

const pod = (status: object, more: object = {}) => ({
  metadata: { name: 'vm', namespace: 'vms', uid: 'u1', ...more },
  spec: { nodeName: 'h1', nodeSelector: { zone: 'a' }, tolerations: [{ key: 'db', operator: 'Exists' }] },
  status: { phase: 'Pending', ...status },
});
const event = (message: string, at: string, more: object = {}) => ({
  metadata: { name: 'e' },
  involvedObject: { uid: 'u1' },
  type: 'Warning',
  message,
  lastTimestamp: at,
  ...more,
});

describe('a pod', () => {
  it('is read with its node, its node requirements and its owner', () => {
    const owners = [
      { kind: 'Node', name: 'x' },
      { kind: 'ReplicaSet', name: 'rs', controller: true },
    ];
    const { node, selection, tolerations, owner, isReady } = readPod(pod({}, { ownerReferences: owners }), []);
    assert.deepEqual([node, isReady, owner], ['h1', false, { kind: 'ReplicaSet', name: 'rs' }]);
    assert.deepEqual(selection, { labels: [{ key: 'zone', operator: 'In', values: ['a'] }], terms: undefined });
    assert.equal(tolerations[0]?.key, 'db');
  });

  it('has the message of the scheduler or its newest warning, but none of an earlier pod', () => {
    const waiting = { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/3 nodes\n  are available' }] };
    const events = [
      event('older', '2026-01-01T00:00:00Z'),
      event('newest', '2026-01-01T00:00:02Z'),
      event('normal', '2026-01-01T00:00:03Z', { type: 'Normal' }),
      event('of another', '2026-01-01T00:00:04Z', { involvedObject: { uid: 'u0' } }),
    ];
    assert.equal(readPod(pod(waiting), events).said, '0/3 nodes are available');
    assert.equal(readPod(pod({}), events).said, 'newest');
    const dns = event('no cluster DNS', '2026-01-01T00:00:05Z', { reason: 'MissingClusterDNS' });
    assert.equal(readPod(pod({}), [...events, dns]).said, 'newest');
    assert.equal(readPod(pod({}), []).said, undefined);
    assert.equal(readPod(pod({ message: 'x'.repeat(1_000) }), []).said?.length, 301);
  });

  it('has lost its link if an event reports that', () => {
    const lost = event('gone', '2026-01-01T00:00:00Z', { reason: 'AttachmentLost' });
    assert.deepEqual([readPod(pod({}), [lost]).hasLostLink, readPod(pod({}), []).hasLostLink], [true, false]);
  });

  it('has a lowered MTU if an event reports that', () => {
    const lowered = event('lower', '2026-01-01T00:00:00Z', { reason: 'MtuLowered' });
    assert.deepEqual([readPod(pod({}), [lowered]).hasLoweredMTU, readPod(pod({}), []).hasLoweredMTU], [true, false]);
  });

  it('with fields of unexpected types is read as far as possible', () => {
    const odd = { metadata: { name: 'x' }, spec: 'text', status: { conditions: { type: 'Ready' } } };
    assert.deepEqual([readPod(odd, []).phase, readPod(odd, []).namespace], ['Unknown', 'default']);
  });
});
