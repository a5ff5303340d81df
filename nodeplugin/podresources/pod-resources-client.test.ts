// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podResourcesLister } from './pod-resources-client.ts';

const { List, Get } = podResourcesLister;

// Encoded by hand according to kubelet's api.proto. Each field begins with a tag, which is field number << 3 | type (0
// varint, 2 length-delimited). A length-delimited field then has its length.
const response = {
  pod_resources: [
    {
      name: 'p',
      namespace: 'n',
      containers: [{ name: 'c', devices: [{ resource_name: 'r', device_ids: ['a', 'b'] }] }],
    },
    { name: 'q', namespace: 'n', containers: [] },
  ],
};
const pod = '0a 01 70  12 01 6e  1a 0e  0a 01 63  12 09  0a 01 72  12 01 61  12 01 62';
const bytes = `0a 16 ${pod}  0a 06  0a 01 71  12 01 6e`;

test('a ListPodResourcesResponse is decoded in the way that kubelet encodes it', () => {
  assert.deepEqual(read(bytes), response);
});

test('a ListPodResourcesResponse is encoded in the same way as by kubelet, for the fake kubelet of tests', () => {
  assert.deepEqual(List.responseSerialize(response), fromHex(bytes));
});

test('CPUs, memory, topology and fields of a newer kubelet are skipped', () => {
  const device = '0a 01 72  12 01 61  1a 04 0a 02 08 01';
  const container = `0a 01 63  12 0c ${device}  1a 02 00 01  22 03 0a 01 6d  7a 01 78`;
  const pod = `0a 01 70  12 01 6e  1a 1d ${container}  7a 01 78`;
  assert.deepEqual(read(`0a 28 ${pod}  7a 01 78`), {
    pod_resources: [
      { name: 'p', namespace: 'n', containers: [{ name: 'c', devices: [{ resource_name: 'r', device_ids: ['a'] }] }] },
    ],
  });
});

test('a node without pods is an empty list', () => {
  assert.deepEqual(read(''), { pod_resources: [] });
});

test('the request is empty and has the path that kubelet serves', () => {
  assert.deepEqual(List.requestSerialize({}), fromHex(''));
  assert.equal(List.path, '/v1.PodResourcesLister/List');
  assert.ok(!List.requestStream && !List.responseStream);
});

test('Get is encoded and decoded as in kubelet', () => {
  const request = { pod_name: 'p', pod_namespace: 'n' };
  assert.deepEqual(Get.requestSerialize(request), fromHex('0a 01 70  12 01 6e'));
  assert.deepEqual(Get.responseDeserialize(fromHex(`0a 16 ${pod}`)), { pod_resources: response.pod_resources[0] });
  assert.deepEqual(Get.responseDeserialize(fromHex('')), { pod_resources: null });
  assert.equal(Get.path, '/v1.PodResourcesLister/Get');
});

function read(text: string): unknown {
  return List.responseDeserialize(fromHex(text));
}

function fromHex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}
