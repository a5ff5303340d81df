// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceMissing } from './find-device.ts';

for (const [title, pod, command] of [
  ['a pod', { namespace: 'vms', name: 'web-5d9c-x7k2p' }, 'kubectl delete pod web-5d9c-x7k2p -n vms'],
  ["a machine's pod", { namespace: 'vms', name: 'virt-launcher-my-db-x7k2p' }, 'virtctl restart my-db -n vms'],
  [
    "a machine's pod whose name is cut",
    { namespace: 'vms', name: `virt-launcher-${'a'.repeat(43)}-x7k2p` },
    `kubectl delete pod virt-launcher-${'a'.repeat(43)}-x7k2p -n vms`,
  ],
  ['no pod', undefined, 'kubectl delete pod'],
  ['a name that no pod can have', { namespace: 'vms', name: '$(x)' }, 'kubectl delete pod'],
] as const) {
  test(`the error for ${title} contains the command that recreates the pod`, () => {
    const { code, message } = deviceMissing('blue', ['a', 'blue'], pod);
    assert.equal(code, 'DeviceMissing');
    assert.ok(message.includes(`. Recreate the pod: ${command}. If`), message);
    assert.match(message, /\(offered here: blue, a\)$/);
  });
}

test('the error lists no resource if the node offers none', () => {
  assert.match(deviceMissing('blue', [], undefined).message, /\(offered here: none\)$/);
});
