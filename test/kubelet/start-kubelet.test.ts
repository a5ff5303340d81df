// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AllocateRequest, registrationService } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import { dialSocket } from '../../nodeplugin/grpc-client.ts';
import { createNode, devices } from './plugin-fixture.ts';
import { startKubelet } from './start-kubelet.ts';

const dataplane = 'macvtap.network.kubevirt.io/dataplane';

test('an unknown version or an invalid resource name is refused', async () => {
  await using node = await createNode();
  await using _ = await startKubelet({ directory: node.directory });
  using kubelet = dialSocket(join(node.directory, 'kubelet.sock'));
  const register = (version: string, resource_name: string) =>
    kubelet.call(
      registrationService.Register,
      { version, endpoint: 'x.sock', resource_name, options: null },
      { timeoutMs: 90_000 },
    );
  await assert.rejects(register('v1alpha1', dataplane), /v1alpha1/);
  await assert.rejects(register('v1beta1', 'dataplane'), /ResourceName "dataplane" is invalid/);
  await assert.rejects(register('v1beta1', dataplane), /failed to dial device plugin/);
});

test('an admission takes the preferred devices and holds them; then start and release work', async () => {
  const started: string[] = [];
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  node.serve('dataplane', devices('dataplane', 3), {
    handlers: { preStartContainer: ({ devices_ids }) => void started.push(...devices_ids) },
  });
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.devices.length === 3);
  const first = await kubelet.allocate(dataplane, 2);
  assert.deepEqual(first.deviceIds, ['dataplaneMvp2', 'dataplaneMvp1']);
  assert.deepEqual(first.response.envs, { DEVICES: 'dataplaneMvp2,dataplaneMvp1' });
  await kubelet.startContainer(first);
  assert.deepEqual(started, first.deviceIds);
  await assert.rejects(kubelet.allocate(dataplane, 2), /Requested: 2, Available: 1/);
  kubelet.release(first);
  assert.equal((await kubelet.allocate(dataplane, 3)).deviceIds.length, 3);
});

test('held devices stay held after a restart, and are not allocated again', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  node.serve('dataplane', devices('dataplane', 2));
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.devices.length === 2);
  const { deviceIds } = await kubelet.allocate(dataplane, 1);
  await kubelet.restart();
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.messages === 2);
  assert.deepEqual(kubelet.held(dataplane), deviceIds);
  const second = await kubelet.allocate(dataplane, 1);
  assert.notDeepEqual(second.deviceIds, deviceIds);
});

test('preferred devices that are not free are skipped', async () => {
  const requests: AllocateRequest[] = [];
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  node.serve('dataplane', devices('dataplane', 1), {
    handlers: {
      preferredAllocation: () => ({ container_responses: [{ deviceIDs: ['someone-elses'] }] }),
      allocate: (request) => {
        requests.push(request);
        return { container_responses: [{}] };
      },
    },
  });
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.devices.length === 1);
  await kubelet.allocate(dataplane, 1);
  assert.deepEqual(requests, [{ container_requests: [{ devices_ids: ['dataplaneMvp0'] }] }]);
});

test('a device that is unhealthy, or whose plugin has ended or never registered, is not allocated', async () => {
  await using node = await createNode();
  await using kubelet = await startKubelet({ directory: node.directory });
  const { plugin } = node.serve('dataplane', [{ id: 'dataplaneMvp0', healthy: false, numaNodes: [0] }]);
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.devices.length === 1);
  await assert.rejects(kubelet.allocate(dataplane, 1), /Available: 0/);
  await plugin.stop();
  await kubelet.waitFor(() => kubelet.resource(dataplane)?.connected === false);
  await assert.rejects(kubelet.allocate(dataplane, 1), /endpoint .*dataplane has been stopped/);
  await assert.rejects(kubelet.allocate('macvtap.network.kubevirt.io/other', 1), /unregistered device/);
});

test('its own end is reported, and sockets are removed only at its start', async () => {
  const scope = new AbortController();
  const events: string[] = [];
  await using node = await createNode();
  await writeFile(join(node.directory, 'kubelet_internal_checkpoint'), '{}');
  const kubelet = await startKubelet({ ...node, signal: scope.signal, onEvent: ({ type }) => events.push(type) });
  scope.abort();
  await kubelet.stop();
  assert.deepEqual(events, ['started', 'stopped']);
});
