// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { SocketAddress } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import { encodeAttributes } from './attributes.ts';
import { decodeAddress, formatIPAddress } from './ip-message.ts';

const address = { type: 1, value: Uint8Array.of(10, 0, 0, 2) };
const local = { type: 2, value: Uint8Array.of(10, 0, 0, 1) };

test('an address has its prefix length, its scope and its link', () => {
  const bytes = Uint8Array.from([2, 24, 0x80, 0, 5, 0, 0, 0, ...encodeAttributes([address])]);
  assert.deepEqual(decodeAddress(bytes), { ifindex: 5, address: '10.0.0.2/24', scope: 'universe' });
});

test('on a point-to-point link, the local address is used, not the address of the peer', () => {
  const bytes = Uint8Array.from([2, 32, 0x80, 253, 5, 0, 0, 0, ...encodeAttributes([address, local])]);
  assert.deepEqual(decodeAddress(bytes), { ifindex: 5, address: '10.0.0.1/32', scope: 'link' });
});

test('a message without an IP address is ignored', () => {
  const bytes = Uint8Array.from([
    2,
    24,
    0,
    0,
    5,
    0,
    0,
    0,
    ...encodeAttributes([{ type: 1, value: new Uint8Array(3) }]),
  ]);
  assert.equal(decodeAddress(bytes), undefined);
});

test('any bytes are either decoded or rejected as malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 48 }), (bytes) => {
      try {
        decodeAddress(bytes);
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed', String(thrown));
      }
    }),
  );
});

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

test('any IPv6 address is written in the same way as by the C library', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  // Addresses that begin with five zero groups are left out: the C library writes the last part of most of them as an
  // IPv4 address. Apart from ::1, links do not have such addresses.
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

test('bytes of another length are not an IP address', () => {
  assert.equal(formatIPAddress(new Uint8Array(6)), undefined);
});

function toBytes(groups: readonly number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}
