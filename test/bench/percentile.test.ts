// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, percentile } from './percentile.ts';

const oneTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

for (const [what, samples, share, expected] of [
  ['the only sample', [7], 0.5, 7],
  ['the lower of two in the middle', [4, 1, 3, 2], 0.5, 2],
  ['the one in the middle', [9, 1, 5], 0.5, 5],
  ['the 99th of a hundred', oneTo(100), 0.99, 99],
  ['the maximum of fewer than a hundred', oneTo(99), 0.99, 99],
  ['the 297th of three hundred', oneTo(300), 0.99, 297],
  ['the maximum for everything', [3, 8, 1], 1, 8],
  ['numbers compared as numbers', [10, 9, 100], 0.5, 10],
] as const) {
  test(`a percentile is ${what}`, () => assert.equal(percentile(samples, share), expected));
}

test('the samples stay in the order in which they were taken', () => {
  const samples = [3, 1, 2];
  assert.equal(median(samples), 2);
  assert.deepEqual(samples, [3, 1, 2]);
});

test('without samples, or with an invalid share, percentile throws', () => {
  assert.throws(() => median([]), RangeError);
  for (const share of [0, -1, 1.01, Number.NaN]) assert.throws(() => percentile([1], share), RangeError);
});
