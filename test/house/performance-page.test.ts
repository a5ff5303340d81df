// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RowFigure, Run } from '../bench/saved-run.ts';
import { findTable } from './doc-tables.ts';
import {
  explainedTitles,
  missedTitles,
  performancePage as page,
  readSavedRun,
  renderFigureTable,
  renderMachineTable,
} from './performance-page.ts';
import { root } from './source-files.ts';

const text = readFileSync(`${root}${page}`, 'utf8');
const saved = readSavedRun();

test('the page of figures has the tables of the saved run; if not, run npm run generate', () => {
  assert.equal(findTable(text, { page, title: 'machine' }), renderMachineTable(saved));
  assert.equal(findTable(text, { page, title: 'figure' }), renderFigureTable(saved));
});

test('each figure of the saved run that misses its limit has a reason on the page, and no other figure has one', () => {
  const explained = explainedTitles(text);
  const missed = missedTitles(saved);
  assert.deepEqual(
    missed.filter((title) => !explained.includes(title)),
    [],
    'missed without a reason',
  );
  assert.deepEqual(
    explained.filter((title) => !missed.includes(title)),
    [],
    'reasons for figures that are reached, or that the run does not have',
  );
});

const figure: RowFigure = { row: 'r', title: 'Allocate', unit: 'ms', value: 3, count: 5 };
const run: Run = {
  date: '2026-11-30',
  machine: { processors: 2, model: 'Some CPU', memoryBytes: 8e9, kernel: 'Linux 6.18 x64', node: 'v26.0.0' },
  figures: [
    { ...figure, reach: { valueAtMost: 3 }, beside: { title: 'a | b', value: 2, count: 1 } },
    { ...figure, title: 'CNI ADD', reach: { valueAtMost: 2 } },
    { ...figure, title: 'CNI DEL' },
  ],
  failures: [],
};

test('the tables have the machine, and each figure with its limit', () => {
  const cells = (table: string) => table.split('\n').map((line) => line.replaceAll(/ +/g, ' '));
  assert.deepEqual(cells(renderMachineTable(run)).slice(2, 5), [
    '| day | 2026-11-30 |',
    '| processors | 2 × Some CPU |',
    '| memory | 8 GB |',
  ]);
  assert.deepEqual(cells(renderFigureTable(run)).slice(2), [
    '| Allocate | 3.00 ms | 2.00 ms a \\| b | 1.50× | ≤ 3 ms | yes |',
    '| CNI ADD | 3.00 ms | - | - | ≤ 2 ms | no |',
    '| CNI DEL | 3.00 ms | - | - | - | - |',
    '',
  ]);
  assert.deepEqual(missedTitles(run), ['CNI ADD']);
});

test('only bold titles in the section of reasons count as explained, also across lines', () => {
  const section = '## Missed limits\n\n- **CNI ADD, 20\n  at once**, **b**: because.\n\n';
  assert.deepEqual(explainedTitles(`**a**\n\n${section}## Next\n\n**c**\n`), ['CNI ADD, 20 at once', 'b']);
  assert.deepEqual(explainedTitles('**a**\n'), []);
});
