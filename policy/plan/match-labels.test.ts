// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseInt64 } from './match-labels.ts';

for (const [text, value] of [
  ['0', 0n],
  ['+7', 7n],
  ['-7', -7n],
  ['007', 7n],
  ['9223372036854775807', 2n ** 63n - 1n],
  ['-9223372036854775808', -(2n ** 63n)],
  ['9223372036854775808', undefined],
  ['-9223372036854775809', undefined],
  ['', undefined],
  ['1.0', undefined],
  ['1e3', undefined],
  ['0x10', undefined],
  [' 1', undefined],
  ['1_000', undefined],
  [undefined, undefined],
] as const) {
  it(`the integer of ${JSON.stringify(text)} is ${value}`, () => {
    assert.equal(parseInt64(text), value);
  });
}
