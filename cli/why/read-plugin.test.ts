// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPlugin } from './read-plugin.ts';

const daemonSet = { metadata: { name: 'd' }, spec: { template: { spec: { nodeSelector: { os: 'linux' } } } } };
const pod = (name: string, nodeName: string, container: object, more: object = {}) => ({
  metadata: { name, ...more },
  spec: { nodeName },
  status: { conditions: [{ type: 'Ready', status: 'False' }], containerStatuses: [container] },
});

test('of each node the pod that stays is told of, with why it is not Ready', () => {
  const crashed = {
    state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } },
    lastState: { terminated: { message: 'first line\nLedgerLocked: another process\n' } },
  };
  const { selection, pods } = readPlugin(daemonSet, [
    pod('old', 'h1', {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    pod('new', 'h1', crashed),
    pod('pull', 'h2', { state: { waiting: { reason: 'ErrImageNeverPull', message: 'not present' } } }),
    pod('starts', 'h3', { state: { running: {} } }),
  ]);
  assert.deepEqual(selection.labels, [{ key: 'os', operator: 'In', values: ['linux'] }]);
  assert.deepEqual(pods.get('h1'), {
    name: 'new',
    isReady: false,
    said: 'CrashLoopBackOff: LedgerLocked: another process',
    lacksImage: false,
  });
  assert.deepEqual([pods.get('h2')?.said, pods.get('h2')?.lacksImage], ['ErrImageNeverPull: not present', true]);
  assert.deepEqual([pods.get('h3')?.said, pods.get('h3')?.isReady], [undefined, false]);
});
