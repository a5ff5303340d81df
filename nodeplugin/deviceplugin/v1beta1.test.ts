// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { devicePluginService, registrationService } from './v1beta1.ts';

const { Register } = registrationService;
const { ListAndWatch, GetPreferredAllocation, Allocate, PreStartContainer, GetDevicePluginOptions } =
  devicePluginService;

// Encoded by hand according to kubelet's api.proto. Each field begins with a tag, which is field number << 3 | type (0
// varint, 2 length-delimited). A length-delimited field then has its length.
const messages: readonly {
  readonly title: string;
  readonly bytes: string;
  readonly message: object;
  readonly encode: (message: never) => Buffer;
  readonly decode: (bytes: Buffer) => unknown;
}[] = [
  {
    title: 'RegisterRequest',
    bytes: '0a 07 76 31 62 65 74 61 31  12 01 65  1a 01 72  22 04 08 01 10 01',
    message: {
      version: 'v1beta1',
      endpoint: 'e',
      resource_name: 'r',
      options: { pre_start_required: true, get_preferred_allocation_available: true },
    },
    encode: Register.requestSerialize,
    decode: Register.requestDeserialize,
  },
  {
    title: 'DevicePluginOptions with one of two options',
    bytes: '10 01',
    message: { pre_start_required: false, get_preferred_allocation_available: true },
    encode: GetDevicePluginOptions.responseSerialize,
    decode: GetDevicePluginOptions.responseDeserialize,
  },
  {
    title: 'ListAndWatchResponse with and without topology',
    bytes: '0a 0e 0a 01 61 12 01 48 1a 06 0a 00 0a 02 08 01  0a 06 0a 01 62 12 01 55',
    message: {
      devices: [
        { ID: 'a', health: 'H', topology: { nodes: [{ ID: 0 }, { ID: 1 }] } },
        { ID: 'b', health: 'U', topology: null },
      ],
    },
    encode: ListAndWatch.responseSerialize,
    decode: ListAndWatch.responseDeserialize,
  },
  {
    title: 'PreferredAllocationRequest',
    bytes: '0a 08 0a 01 61 12 01 62 18 03',
    message: {
      container_requests: [{ available_deviceIDs: ['a'], must_include_deviceIDs: ['b'], allocation_size: 3 }],
    },
    encode: GetPreferredAllocation.requestSerialize,
    decode: GetPreferredAllocation.requestDeserialize,
  },
  {
    title: 'PreferredAllocationResponse',
    bytes: '0a 06 0a 01 61 0a 01 62',
    message: { container_responses: [{ deviceIDs: ['a', 'b'] }] },
    encode: GetPreferredAllocation.responseSerialize,
    decode: GetPreferredAllocation.responseDeserialize,
  },
  {
    title: 'AllocateRequest',
    bytes: '0a 03 0a 01 61  0a 00',
    message: { container_requests: [{ devices_ids: ['a'] }, { devices_ids: [] }] },
    encode: Allocate.requestSerialize,
    decode: Allocate.requestDeserialize,
  },
  {
    title: 'AllocateResponse with every field',
    bytes:
      '0a 2a  0a 06 0a 01 6b 12 01 76  12 08 0a 01 63 12 01 68 18 01  1a 09 0a 01 63 12 01 68 1a 01 70' +
      '22 06 0a 01 6b 12 01 76  2a 03 0a 01 6e',
    message: {
      container_responses: [
        {
          envs: { k: 'v' },
          mounts: [{ container_path: 'c', host_path: 'h', read_only: true }],
          devices: [{ container_path: 'c', host_path: 'h', permissions: 'p' }],
          annotations: { k: 'v' },
          cdi_devices: [{ name: 'n' }],
        },
      ],
    },
    encode: Allocate.responseSerialize,
    decode: Allocate.responseDeserialize,
  },
  {
    title: 'PreStartContainerRequest',
    bytes: '0a 01 61 0a 01 62',
    message: { devices_ids: ['a', 'b'] },
    encode: PreStartContainer.requestSerialize,
    decode: PreStartContainer.requestDeserialize,
  },
];

for (const { title, bytes, message, encode, decode } of messages) {
  test(`${title} is encoded in the way that kubelet decodes it`, () => {
    assert.deepEqual(encode(message as never), fromHex(bytes));
  });

  test(`${title} is decoded in the way that kubelet encodes it`, () => {
    assert.deepEqual(decode(fromHex(bytes)), message);
  });
}

test('the methods have the paths that kubelet calls and serves', () => {
  const paths = [...Object.values(registrationService), ...Object.values(devicePluginService)].map(({ path }) => path);
  assert.deepEqual(paths, [
    '/v1beta1.Registration/Register',
    '/v1beta1.DevicePlugin/GetDevicePluginOptions',
    '/v1beta1.DevicePlugin/ListAndWatch',
    '/v1beta1.DevicePlugin/GetPreferredAllocation',
    '/v1beta1.DevicePlugin/Allocate',
    '/v1beta1.DevicePlugin/PreStartContainer',
  ]);
});

test('only ListAndWatch is a stream, and only from the plugin', () => {
  const streams = Object.entries(devicePluginService).filter(([, method]) => method.responseStream);
  assert.deepEqual(
    streams.map(([name]) => name),
    ['ListAndWatch'],
  );
  assert.ok(Object.values(devicePluginService).every(({ requestStream }) => !requestStream));
});

test('unknown fields from a newer kubelet are ignored', () => {
  const bytes = fromHex('0a 01 61 7a 01 78');
  assert.deepEqual(PreStartContainer.requestDeserialize(bytes), { devices_ids: ['a'] });
});

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
