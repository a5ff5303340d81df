// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIPAddress } from './format-ip-address.ts';

test('an IPv4 address is four decimal numbers', () => {
  assert.equal(formatIPAddress(Uint8Array.of(10, 0, 255, 1)), '10.0.255.1');
});

for (const [groups, text] of [
  [[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], '2001:db8::1'],
  [[0, 0, 0, 0, 0, 0, 0, 0], '::'],
  [[0, 0, 0, 0, 0, 0, 0, 1], '::1'],
  [[0xfe80, 0, 0, 0, 0, 0, 0, 0], 'fe80::'],
  [[1, 0, 2, 3, 4, 5, 6, 7], '1:0:2:3:4:5:6:7'],
  [[1, 0, 0, 2, 0, 0, 0, 3], '1:0:0:2::3'],
  [[1, 0, 0, 2, 3, 0, 0, 4], '1::2:3:0:0:4'],
] as const) {
  test(`an IPv6 address is written as ${text}`, () => {
    assert.equal(formatIPAddress(toBytes(groups)), text);
  });
}

test('any IPv6 address is written as the C library writes it', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  // The library writes addresses that begin with five zero groups with an IPv4 part; no link of ours has one.
  const groups = fc
    .array(group, { minLength: 8, maxLength: 8 })
    .filter((list) => list.slice(0, 5).some((n) => n !== 0));
  fc.assert(
    fc.property(groups, (list) => {
      const address = list.map((n) => n.toString(16)).join(':');
      assert.equal(formatIPAddress(toBytes(list)), new SocketAddress({ address, family: 'ipv6' }).address);
    }),
  );
});

test('bytes of another length are no IP address', () => {
  assert.equal(formatIPAddress(new Uint8Array(6)), undefined);
});

function toBytes(groups: readonly number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
