// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import { decodeAddress } from './address-message.ts';
import { encodeAttributes } from './attributes.ts';

const address = { type: 1, value: Uint8Array.of(10, 0, 0, 2) };
const local = { type: 2, value: Uint8Array.of(10, 0, 0, 1) };

test('an address has its prefix length, its scope and its link', () => {
  const bytes = Uint8Array.from([2, 24, 0x80, 0, 5, 0, 0, 0, ...encodeAttributes([address])]);
  assert.deepEqual(decodeAddress(bytes), { ifindex: 5, address: '10.0.0.2/24', scope: 'universe' });
});

test('on a point-to-point link it is the local address, not the other end', () => {
  const bytes = Uint8Array.from([2, 32, 0x80, 253, 5, 0, 0, 0, ...encodeAttributes([address, local])]);
  assert.deepEqual(decodeAddress(bytes), { ifindex: 5, address: '10.0.0.1/32', scope: 'link' });
});

test('what is no IP address is passed over', () => {
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

test('any bytes are either decoded or refused as malformed', () => {
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
