// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type DocTable, docTables, findTable, rowPattern } from './doc-tables.ts';
import { root } from './source-files.ts';

for (const table of docTables) {
  test(`${table.page} has exactly the rows of each ${table.title} that the code has, with its texts`, () => {
    assert.deepEqual(rowsOf(table), Object.entries(table.rows).sort());
  });
}

function rowsOf(table: DocTable): readonly (readonly [string, string])[] {
  const [, , ...lines] = findTable(readFileSync(`${root}${table.page}`, 'utf8'), table)
    .trimEnd()
    .split('\n');
  const rows = [...lines.join('\n').matchAll(rowPattern)];
  assert.equal(rows.length, lines.length, 'rows of another form');
  return rows.map(([, name = '', text = '']) => [name, text.replaceAll('`', '')] as const).sort();
}
