// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignNetnsID, decodeNetnsID, encodeDumpNetnsIDs, encodeGetNetnsID, encodeNewNetnsID } from './netns-id.ts';

test("the request for a namespace's ID contains its descriptor", () => {
  const { type, flags, payload } = encodeGetNetnsID(9);
  assert.deepEqual([type, flags], [90, 0x5]);
  assert.deepEqual([...payload], [0, 0, 0, 0, 8, 0, 3, 0, 9, 0, 0, 0]);
});

test('the request for a new ID lets the kernel choose the ID', () => {
  const { type, flags, payload } = encodeNewNetnsID(9);
  assert.deepEqual([type, flags], [88, 0x5]);
  assert.deepEqual([...payload], [0, 0, 0, 0, 8, 0, 1, 0, 255, 255, 255, 255, 8, 0, 3, 0, 9, 0, 0, 0]);
});

test('the IDs of all namespaces are dumped', () => {
  const { type, flags, payload } = encodeDumpNetnsIDs();
  assert.deepEqual([type, flags, [...payload]], [90, 0x301, [0, 0, 0, 0]]);
});

const replies = [
  { title: 'an ID', bytes: [0, 0, 0, 0, 8, 0, 1, 0, 7, 0, 0, 0], number: 7 },
  { title: 'the ID zero, which is valid', bytes: [0, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 0], number: 0 },
  { title: 'no ID yet', bytes: [0, 0, 0, 0, 8, 0, 1, 0, 255, 255, 255, 255], number: undefined },
  { title: 'no ID if it is empty', bytes: [0, 0, 0, 0], number: undefined },
];

for (const { title, bytes, number } of replies) {
  test(`a reply is decoded as ${title}`, () => {
    assert.equal(decodeNetnsID(Uint8Array.from(bytes)), number);
  });
}

test('a truncated reply is rejected', () => {
  assert.throws(() => decodeNetnsID(Uint8Array.of(0, 0)), { code: 'NetlinkMalformed' });
  assert.throws(() => decodeNetnsID(Uint8Array.of(0, 0, 0, 0, 8, 0, 1)), { code: 'NetlinkMalformed' });
});

for (const { title, errno, outcome } of [
  { title: 'gets an ID', errno: 0, outcome: true },
  { title: 'keeps the ID that it has (EEXIST)', errno: 17, outcome: true },
  { title: 'does not exist if the file is something else (EINVAL)', errno: 22, outcome: false },
]) {
  test(`a namespace ${title}, with one request`, async () => {
    const types: number[] = [];
    const request = async ({ type }: { readonly type: number }) => {
      types.push(type);
      return { errno, messages: [], interrupted: false };
    };
    assert.equal(await assignNetnsID({ request }, 9, '/run/netns/pod'), outcome);
    assert.deepEqual(types, [88]);
  });
}

test('a namespace for which the kernel refuses an ID cannot be reached', async () => {
  const request = async () => ({ errno: 1, messages: [], interrupted: false });
  await assert.rejects(assignNetnsID({ request }, 9, '/run/netns/pod'), { code: 'NetnsUnreachable' });
});
