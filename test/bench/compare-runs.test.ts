// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeOf, compareRuns } from './compare-runs.ts';
import type { Figure } from './figure.ts';

const figure = (value: number, low: number, high: number, more: Partial<Figure> = {}): Figure => ({
  ...{ title: 'Allocate', unit: 'ms', value, count: 5, range: { low, high } },
  ...more,
});
const { range: _, ...single } = figure(3, 3, 3);
const rate = { unit: 'per second' } as const;

for (const [what, before, now, verdict] of [
  ['ranges that overlap are within the noise', figure(2, 1, 3), figure(3.5, 3, 4), 'within the noise'],
  ['a lower time beyond both ranges is better', figure(4, 3.6, 5), figure(3, 2, 3.5), 'better'],
  ['a higher time beyond both ranges is worse', figure(3, 2, 3.5), figure(4, 3.6, 5), 'worse'],
  ['a higher rate is better', figure(3, 2, 3.5, rate), figure(4, 3.6, 5, rate), 'better'],
  ['a lower rate is worse', figure(4, 3.6, 5, rate), figure(3, 2, 3.5, rate), 'worse'],
  ['a single sample has no known noise', single, figure(4, 3.6, 5), 'noise unknown'],
  ['a single sample now has no known noise either', figure(4, 3.6, 5), single, 'noise unknown'],
  ['equal single samples did not change', single, single, 'within the noise'],
  ['different units are not compared', figure(3, 2, 3.5), figure(4, 3.6, 5, rate), 'different units'],
] as const) {
  test(what, () => assert.deepEqual(compareRuns([before], [now]), [{ before, now, verdict }]));
}

test('figures that only one run has are listed, those of the earlier run last', () => {
  const [old, gone, fresh] = ['same', 'gone', 'fresh'].map((title) => figure(1, 1, 1, { title })) as [
    Figure,
    Figure,
    Figure,
  ];
  assert.deepEqual(compareRuns([gone, old], [fresh, old]), [
    { now: fresh, verdict: 'not in FILE' },
    { now: old, before: old, verdict: 'within the noise' },
    { before: gone, verdict: 'not measured now' },
  ]);
});

test('the change is relative to the earlier value, and undefined if that is 0', () => {
  assert.equal(changeOf({ value: 2, count: 1 }, { value: 3, count: 1 }), 0.5);
  assert.equal(changeOf({ value: 4, count: 1 }, { value: 1, count: 1 }), -0.75);
  assert.equal(changeOf({ value: 0, count: 1 }, { value: 1, count: 1 }), undefined);
});
