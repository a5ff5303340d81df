// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseDeviceCount } from './parse-quantity.ts';

const counts: readonly [unknown, number][] = [
  ['1', 1],
  [2, 2],
  ['0', 0],
  ['+3', 3],
  ['007', 7],
  ['1.0', 1],
  ['1.', 1],
  ['1k', 1_000],
  ['1.5k', 1_500],
  ['2Ki', 2_048],
  ['0.5Ki', 512],
  ['2000m', 2],
  ['3000000u', 3],
  ['4000000000n', 4],
  ['1e1', 10],
  ['1E+2', 100],
  ['20e-1', 2],
  [1e3, 1_000],
];

const none: readonly unknown[] = [
  ...[
    '',
    ' 1',
    '-1',
    '.5',
    '0.5',
    '1500m',
    '1e-1',
    '0.1Ki',
    'abc',
    '1x',
    '1e',
    '1K',
    '0x10',
    '1,5',
    '1e999999999',
    '9E',
    '8Ei',
  ],
  ...[
    '9'.repeat(1_000_000),
    '9007199254740993',
    null,
    undefined,
    true,
    {},
    [],
    -1,
    0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ],
];

describe('a quantity of devices', () => {
  for (const [quantity, count] of counts) {
    it(`reads ${JSON.stringify(quantity)} as ${count}`, () => assert.equal(parseDeviceCount(quantity), count));
  }

  it('is none where it is a fraction, negative, too large or no quantity', () => {
    assert.deepEqual(
      none.filter((quantity) => parseDeviceCount(quantity) !== undefined),
      [],
    );
  });
});
