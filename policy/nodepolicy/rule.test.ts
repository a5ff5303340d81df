// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isLegalLabelKey, isLegalLabelValue, readLabelValue } from './rule.ts';

describe('the text of a value', () => {
  for (const [value, text] of [
    ['true', 'true'],
    ['', ''],
    [true, 'true'],
    [false, 'false'],
    [5, '5'],
    [-5, '-5'],
    [1.5, undefined],
    [Number.NaN, undefined],
    [2 ** 60, undefined],
    [null, undefined],
    [undefined, undefined],
    [{}, undefined],
    [['a'], undefined],
  ] as const) {
    it(`${JSON.stringify(value) ?? 'undefined'} is ${JSON.stringify(text) ?? 'none'}`, () =>
      assert.equal(readLabelValue(value), text));
  }
});

describe('a label', () => {
  it('has a key that consists of an optional DNS prefix and a name', () => {
    const legal = [
      'a',
      'macvtapAware',
      'node-role.kubernetes.io/master',
      `${'p'.repeat(253)}/${'n'.repeat(63)}`,
      'a_b.c-d',
    ];
    for (const key of legal) assert.ok(isLegalLabelKey(key), key);
    const illegal = [
      '',
      '/',
      'a/',
      '/a',
      'a/b/c',
      'parent_iface.macvtap/eth0',
      'A.b/c',
      '-a',
      'a-',
      'n'.repeat(64),
      'é',
      '__proto__',
    ];
    for (const key of illegal) assert.ok(!isLegalLabelKey(key), key);
  });

  it('has a value of at most 63 characters, which may be empty', () => {
    for (const value of ['', 'a', 'A.b_c-9', 'x'.repeat(63)]) assert.ok(isLegalLabelValue(value), value);
    for (const value of ['-5', 'a b', 'a.', 'é', 'a/b', 'x'.repeat(64)]) assert.ok(!isLegalLabelValue(value), value);
  });
});
