// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import { type Attribute, encodeAttributes, u32Attribute } from './attributes.ts';
import { decodeRoute, encodeDumpRoutes, isMainDefaultRoute } from './ip-message.ts';

function route(fields: { prefix?: number; table?: number; type?: number }, ...attributes: Attribute[]): Uint8Array {
  const header = [2, fields.prefix ?? 0, 0, 0, fields.table ?? 254, 3, 0, fields.type ?? 1, 0, 0, 0, 0];
  return Uint8Array.from([...header, ...encodeAttributes(attributes)]);
}

test('a default route has the link of its next hop', () => {
  const decoded = decodeRoute(route({}, u32Attribute(4, 7)));
  assert.deepEqual(decoded, { unicast: true, mainTable: true, prefixLength: 0, ifindexes: [7] });
  assert.equal(isMainDefaultRoute(decoded), true);
});

test('a multipath route has the link of each next hop, even if next hops have attributes', () => {
  // Two struct rtnexthop, the first with an attribute of eight bytes.
  const hops = Uint8Array.of(16, 0, 0, 0, 7, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 1, 8, 0, 0, 0, 9, 0, 0, 0);
  assert.deepEqual(decodeRoute(route({}, { type: 9, value: hops })).ifindexes, [7, 9]);
});

for (const [what, bytes] of [
  ['of another table', route({ table: 100 })],
  ['whose attribute contains a table above 255', route({}, u32Attribute(15, 1000))],
  ['that is unreachable', route({ type: 7 })],
  ['to a network', route({ prefix: 24 })],
] as const) {
  test(`a route ${what} is not a default route of the main table`, () => {
    assert.equal(isMainDefaultRoute(decodeRoute(bytes)), false);
  });
}

test('only the default routes of a dump are kept', () => {
  const { keep, payload } = encodeDumpRoutes('ipv6');
  assert.equal(payload[0], 10);
  assert.equal(keep?.({ type: 24, flags: 2, sequence: 1, payload: route({}) }), true);
  assert.equal(keep?.({ type: 24, flags: 2, sequence: 1, payload: route({ prefix: 8 }) }), false);
});

for (const [what, hops] of [
  ['cut short', [8, 0, 0]],
  ['shorter than its own header', [4, 0, 0, 0, 7, 0, 0, 0]],
  ['of length zero', [0, 0, 0, 0, 7, 0, 0, 0]],
  ['longer than the rest', [12, 0, 0, 0, 7, 0, 0, 0]],
] as const) {
  test(`a next hop ${what} is rejected as malformed`, () => {
    assert.throws(() => decodeRoute(route({}, { type: 9, value: Uint8Array.from(hops) })), {
      code: 'NetlinkMalformed',
    });
  });
}

test('any bytes are either decoded or rejected as malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        decodeRoute(bytes);
        decodeRoute(route({}, { type: 9, value: bytes }));
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed', String(thrown));
      }
    }),
  );
});
