// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namesPod, readHeldDevices } from './read-held-devices.ts';

const prefix = 'macvtap.network.kubevirt.io/';

function pod(name: string, container: string, ...devices: readonly (readonly [string, ...string[]])[]) {
  return {
    name,
    namespace: 'vms',
    containers: [
      { name: container, devices: devices.map(([resource_name, ...device_ids]) => ({ resource_name, device_ids })) },
    ],
  };
}

test('devices are found by ID, with their resource and who holds them', () => {
  const response = {
    pod_resources: [
      pod('a', 'compute', [`${prefix}data`, 'dataMvp0', 'dataMvp1'], [`${prefix}bond1`, 'bond1Mvp7']),
      pod('b', 'compute'),
    ],
  };
  const pods = [{ namespace: 'vms', name: 'a', container: 'compute' }];
  assert.deepEqual(Object.fromEntries(readHeldDevices(response, prefix)), {
    dataMvp0: { resource: 'data', pods },
    dataMvp1: { resource: 'data', pods },
    bond1Mvp7: { resource: 'bond1', pods },
  });
});

test("other vendors' devices are left out, even with the same ID", () => {
  const response = { pod_resources: [pod('a', 'c', ['example.com/data', 'dataMvp0'], ['macvtap.network', 'x'])] };
  assert.equal(readHeldDevices(response, prefix).size, 0);
});

test('a device that is repeated for each of its NUMA nodes has one holder', () => {
  const response = { pod_resources: [pod('a', 'c', [`${prefix}data`, 'dataMvp0'], [`${prefix}data`, 'dataMvp0'])] };
  assert.deepEqual(readHeldDevices(response, prefix).get('dataMvp0')?.pods, [
    { namespace: 'vms', name: 'a', container: 'c' },
  ]);
});

test('a device that a pod and its successor hold names both', () => {
  const device = [`${prefix}data`, 'dataMvp0'] as const;
  const response = { pod_resources: [pod('old', 'c', device), pod('new', 'c', device)] };
  assert.deepEqual(
    readHeldDevices(response, prefix)
      .get('dataMvp0')
      ?.pods.map(({ name }) => name),
    ['old', 'new'],
  );
});

test('a pod without devices is named all the same, and only in its own namespace', () => {
  const response = { pod_resources: [{ name: 'plugin', namespace: 'macvtap-cni', containers: [] }] };
  assert.ok(namesPod(response, { namespace: 'macvtap-cni', name: 'plugin' }));
  assert.ok(!namesPod(response, { namespace: 'default', name: 'plugin' }));
});
