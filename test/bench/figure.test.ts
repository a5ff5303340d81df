// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Figure, isMet, measurement, ratioOf } from './figure.ts';
import { countLine, renderComparison, renderTable } from './render-figures.ts';

const figure: Figure = {
  title: 'Allocate',
  unit: 'ms',
  value: 3,
  count: 5,
  beside: { title: 'netlink', value: 2, count: 4 },
};

for (const [what, reach, met] of [
  ['a value within its limit is met', { valueAtMost: 3 }, true],
  ['a value beyond it is missed', { valueAtMost: 2.9 }, false],
  ['a value that equals its lower limit is met', { valueAtLeast: 3 }, true],
  ['a value that is less is not', { valueAtLeast: 3.1 }, false],
  ['a ratio within its reach is met', { ratioAtMost: 1.5 }, true],
  ['a ratio beyond it is not', { ratioAtMost: 1.4 }, false],
  ['a ratio that equals its lower limit is met', { ratioAtLeast: 1.5 }, true],
  ['a ratio that is less is not', { ratioAtLeast: 1.6 }, false],
] as const) {
  test(what, () => assert.equal(isMet({ ...figure, reach }), met));
}

test('a figure without a limit is neither met nor missed, and a ratio without its comparison is never met', () => {
  const { beside, ...alone } = figure;
  assert.equal(isMet(figure), undefined);
  assert.equal(ratioOf(alone), undefined);
  assert.equal(isMet({ ...alone, reach: { ratioAtMost: 100 } }), false);
});

test('the table shows value, count, comparison, ratio, limit and whether it is met', () => {
  const { beside, ...alone } = figure;
  const rows: readonly Figure[] = [
    { ...figure, reach: { ratioAtMost: 1.4 } },
    { ...alone, unit: 'bytes', value: 34_567, reach: { valueAtMost: 100_000 } },
    { ...alone, unit: 'messages', value: 1, reach: { valueAtMost: 1 } },
    { ...alone, value: 0.012 },
    { ...figure, unit: 'per second', value: 9_100.4, reach: { valueAtLeast: 8_000 } },
    { ...figure, unit: 'per second', value: 12.34, beside: { title: 'bare', value: 1_000_000, count: 4 } },
  ];
  assert.deepEqual(
    renderTable(rows)
      .split('\n')
      .map((line) => line.split(/ {2,}/)),
    [
      ['FIGURE', 'MEASURED', 'COMPARED WITH', 'RATIO', 'LIMIT', 'MET'],
      ['Allocate', '3.00 ms (n=5)', '2.00 ms netlink (n=4)', '1.50×', '≤ 1.4×', 'no'],
      ['Allocate', '34.6 KB (n=5)', '-', '-', '≤ 100 KB', 'yes'],
      ['Allocate', '1 messages (n=5)', '-', '-', '≤ 1 messages', 'yes'],
      ['Allocate', '0.012 ms (n=5)', '-', '-', '-', '-'],
      ['Allocate', '9,100/s (n=5)', '2.00/s netlink (n=4)', '4550×', '≥ 8,000/s', 'yes'],
      ['Allocate', '12.3/s (n=5)', '1,000,000/s bare (n=4)', '0.000×', '-', '-'],
    ],
  );
});

for (const [what, samples, share, range] of [
  ['each of a few samples is a part', [4, 1, 3], 0.5, { low: 1, high: 4 }],
  [
    'the medians of five parts are the noise of a median',
    [1, 1, 9, 2, 2, 9, 3, 3, 9, 4, 4, 9, 5, 5, 9],
    0.5,
    { low: 1, high: 5 },
  ],
  ['a drift is noise', [1, 1, 2, 2, 3, 3, 4, 4, 5, 5], 0.5, { low: 1, high: 5 }],
  [
    'a single outlier is not noise of a median',
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9],
    0.5,
    { low: 1, high: 1 },
  ],
  [
    'but it is noise of the highest percentile',
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 9],
    0.99,
    { low: 1, high: 9 },
  ],
] as const) {
  test(what, () => {
    const { range: found, value, count } = measurement(samples, share);
    assert.deepEqual([found, count], [range, samples.length]);
    assert.ok(value >= range.low && value <= range.high);
  });
}

test('one sample has no noise', () => assert.deepEqual(measurement([3], 0.5), { value: 3, count: 1 }));

test('the comparison adds the earlier value and the change, and lists figures that only one run has', () => {
  const before: readonly Figure[] = [
    { ...figure, value: 4, range: { low: 3.5, high: 5 } },
    { ...figure, title: 'CNI ADD' },
  ];
  const now: readonly Figure[] = [
    { ...figure, range: { low: 2.9, high: 3.1 } },
    { ...figure, title: 'CNI DEL' },
  ];
  assert.deepEqual(
    renderComparison(before, now)
      .split('\n')
      .map((line) => line.split(/ {2,}/).slice(-2)),
    [
      ['BEFORE', 'CHANGE'],
      ['4.00 ms, 2.00×', '-25 %, better'],
      ['-', 'not in FILE'],
      ['3.00 ms, 1.50×', 'not measured now'],
    ],
  );
});

test('the last line counts limits that are met and missed, and rows that could not be measured', () => {
  const figures = [
    { ...figure, row: 'a', reach: { ratioAtMost: 1.4 } },
    { ...figure, row: 'a', reach: { ratioAtMost: 1.6 } },
    { ...figure, row: 'a' },
  ];
  assert.equal(countLine({ figures, failures: [] }), '1 of 2 limits are met, 1 missed');
  assert.equal(
    countLine({ figures, failures: ['b'] }),
    '1 of 2 limits are met, 1 missed; 1 rows could not be measured',
  );
});
