// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MacvtapError } from '../../runtime/errors.ts';
import {
  decodeAttributes,
  encodeAttributes,
  nestedAttribute,
  readNested,
  readNumber,
  readString,
  stringAttribute,
  u32Attribute,
} from './attributes.ts';

const anyAttribute = fc.record({ type: fc.integer({ min: 0, max: 0x3fff }), value: fc.uint8Array({ maxLength: 32 }) });

test('an attribute is encoded as its length without padding, its type, and its value padded to four bytes', () => {
  const bytes = encodeAttributes([{ type: 1, value: Uint8Array.of(0xaa) }, u32Attribute(4, 1500)]);
  assert.deepEqual([...bytes], [5, 0, 1, 0, 0xaa, 0, 0, 0, 8, 0, 4, 0, 0xdc, 0x05, 0, 0]);
});

test('a string ends with a NUL, and a nested attribute has the flag for nesting', () => {
  const bytes = encodeAttributes([nestedAttribute(18, [stringAttribute(1, 'tap')])]);
  assert.deepEqual([...bytes], [12, 0, 18, 0x80, 8, 0, 1, 0, 0x74, 0x61, 0x70, 0]);
  const [inner] = readNested(decodeAttributes(bytes), 18);
  assert.deepEqual(readString(inner === undefined ? [] : [inner], 1), 'tap');
});

test('encoded attributes are decoded without changes', () => {
  fc.assert(
    fc.property(fc.array(anyAttribute, { maxLength: 6 }), (attributes) => {
      const plain = (list: readonly { type: number; value: Uint8Array }[]) =>
        list.map(({ type, value }) => ({ type, value: [...value] }));
      assert.deepEqual(plain(decodeAttributes(encodeAttributes(attributes))), plain(attributes));
    }),
  );
});

test('the last value of a repeated attribute is used, and an unknown type is ignored', () => {
  const attributes = decodeAttributes(
    encodeAttributes([u32Attribute(4, 1), u32Attribute(9999, 5), u32Attribute(4, 2)]),
  );
  assert.equal(readNumber(attributes, 4), 2);
  assert.equal(readNumber(attributes, 5), undefined);
});

for (const [what, bytes] of [
  ['a header cut short', [4, 0, 1]],
  ['a length below the header', [3, 0, 1, 0]],
  ['a length of zero', [0, 0, 0, 0]],
  ['a length beyond the message', [9, 0, 1, 0, 1, 2, 3, 4]],
] as const) {
  test(`${what} is rejected as malformed`, () => {
    assert.throws(() => decodeAttributes(Uint8Array.from(bytes)), { code: 'NetlinkMalformed' });
  });
}

test('a number with an invalid size is rejected as malformed', () => {
  assert.throws(() => readNumber([{ type: 4, value: Uint8Array.of(1, 2, 3) }], 4), { code: 'NetlinkMalformed' });
});

test('any bytes are either decoded or rejected as malformed', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        for (const { value } of decodeAttributes(bytes)) assert.ok(value.length <= bytes.length);
      } catch (thrown) {
        assert.ok(thrown instanceof MacvtapError && thrown.code === 'NetlinkMalformed', String(thrown));
      }
    }),
  );
});

test('attributes that are not wanted are left out, but still checked', () => {
  const bytes = encodeAttributes([u32Attribute(1, 7), u32Attribute(2, 8), u32Attribute(3, 9)]);
  assert.deepEqual(
    decodeAttributes(bytes, new Set([1, 3])).map(({ type }) => type),
    [1, 3],
  );
  assert.throws(() => decodeAttributes(Uint8Array.of(2, 0, 2, 0), new Set([1])), { code: 'NetlinkMalformed' });
});
