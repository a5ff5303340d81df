// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Figure, isMet, ratioOf } from './figure.ts';
import { renderTable } from './render-figures.ts';

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
      ['ROW', 'MEASURED', 'BESIDE', 'RATIO', 'REACH', 'MET'],
      ['Allocate', '3.00 ms (n=5)', '2.00 ms netlink (n=4)', '1.50×', '≤ 1.4×', 'no'],
      ['Allocate', '34.6 KB (n=5)', '-', '-', '≤ 100 KB', 'yes'],
      ['Allocate', '1 messages (n=5)', '-', '-', '≤ 1 messages', 'yes'],
      ['Allocate', '0.012 ms (n=5)', '-', '-', '-', '-'],
      ['Allocate', '9,100/s (n=5)', '2.00/s netlink (n=4)', '4550×', '≥ 8,000/s', 'yes'],
      ['Allocate', '12.3/s (n=5)', '1,000,000/s bare (n=4)', '0.000×', '-', '-'],
    ],
  );
});
