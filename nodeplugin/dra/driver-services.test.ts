// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { driverService, observeClaims, pluginRegistrationService } from './driver-services.ts';

/** Encodes a field whose value has a length: a text, or a message. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

const { NodePrepareResources, NodeUnprepareResources } = driverService;
const { GetInfo, NotifyRegistrationStatus } = pluginRegistrationService;

test('the services have the paths that kubelet calls', () => {
  assert.deepEqual(
    [NodePrepareResources, NodeUnprepareResources, GetInfo, NotifyRegistrationStatus].map(({ path }) => path),
    [
      '/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources',
      '/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodeUnprepareResources',
      '/pluginregistration.Registration/GetInfo',
      '/pluginregistration.Registration/NotifyRegistrationStatus',
    ],
  );
});

test("kubelet's request names each claim with namespace, UID and name", () => {
  const bytes = field(1, Buffer.concat([field(1, 'vms'), field(2, 'u1'), field(3, 'net')]));
  const claims = [{ namespace: 'vms', uid: 'u1', name: 'net' }];
  assert.deepEqual(NodePrepareResources.requestDeserialize(bytes), { claims });
  assert.deepEqual(NodeUnprepareResources.requestDeserialize(bytes), { claims });
});

test('a response has an entry for each UID, with devices or an error', () => {
  const device = { request_names: ['r'], pool_name: 'h1', device_name: 'd-0', cdi_device_ids: ['v/c=x'] };
  const message = Buffer.concat([field(1, 'r'), field(2, 'h1'), field(3, 'd-0'), field(4, 'v/c=x')]);
  assert.deepEqual(
    NodePrepareResources.responseSerialize({ claims: { u1: { devices: [device], error: '' } } }),
    field(1, Buffer.concat([field(1, 'u1'), field(2, field(1, message))])),
  );
  assert.deepEqual(
    NodeUnprepareResources.responseSerialize({ claims: { u1: { error: 'no' } } }),
    field(1, Buffer.concat([field(1, 'u1'), field(2, field(1, 'no'))])),
  );
});

test('the registration names the type, the driver, its socket and its service', () => {
  const info = { type: 'DRAPlugin', name: 'd', endpoint: '/s', supported_versions: ['v1.DRAPlugin'] };
  const bytes = Buffer.concat([field(1, 'DRAPlugin'), field(2, 'd'), field(3, '/s'), field(4, 'v1.DRAPlugin')]);
  assert.deepEqual(GetInfo.responseSerialize(info), bytes);
  assert.deepEqual(NotifyRegistrationStatus.requestDeserialize(field(2, 'why')), {
    plugin_registered: false,
    error: 'why',
  });
});

test('each answer is reported with its devices or its error, also if the error is thrown at once', async () => {
  const answers: unknown[] = [];
  const { prepare, unprepare } = observeClaims(
    {
      prepare: async () => [{ request: 'r', pool: 'h1', device: 'd-0', cdiDeviceID: 'x' }],
      unprepare: async () => {
        throw new Error('full');
      },
    },
    ({ method, devices, error }) => answers.push([method, devices, error?.message]),
  );
  const claim = { namespace: 'vms', name: 'net', uid: 'u1' };
  const { signal } = new AbortController();
  await prepare(claim, signal);
  await assert.rejects(unprepare(claim, signal), /full/);
  assert.deepEqual(answers, [
    ['NodePrepareResources', ['d-0'], undefined],
    ['NodeUnprepareResources', [], 'full'],
  ]);
});
