// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { docTables, rowPattern } from './doc-tables.ts';
import { root } from './source-files.ts';

for (const { page, rows } of docTables) {
  test(`${page} has exactly the rows that the code has, with its texts`, () => {
    assert.deepEqual(rowsOf(page), Object.entries(rows).sort());
  });
}

function rowsOf(page: string): readonly (readonly [string, string])[] {
  const rows = readFileSync(`${root}${page}`, 'utf8').matchAll(rowPattern);
  return [...rows].map(([, name = '', text = '']) => [name, text.replaceAll('`', '')] as const).sort();
}
