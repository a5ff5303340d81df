// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { rows } from '../bench/rows.ts';
import { type DocTable, docTables, findTable, rowPattern } from './doc-tables.ts';
import { root, sourceFiles } from './source-files.ts';

for (const table of docTables) {
  test(`${table.page} has exactly the rows of each ${table.title} that the code has, with its texts`, () => {
    assert.deepEqual(rowsOf(table), Object.entries(table.rows).sort());
  });
}

test('no page carries figures that the bench has printed, which grow old: it says how to measure', () => {
  const printed = sourceFiles('.md').flatMap(({ path, text }) =>
    [...text.matchAll(/^.*\(n=\d+\).*$/gm)].map(([line]) => `${path}: ${line}`),
  );
  assert.deepEqual(printed, []);
});

test('the rows of the bench that pages name are there', () => {
  const named = sourceFiles('.md').flatMap(({ text }) =>
    [...text.matchAll(/npm run bench -- --only ([\w,-]+)/g)].flatMap(([, list = '']) => list.split(',')),
  );
  assert.ok(named.length > 0);
  const known = rows.map(({ name }) => name);
  assert.deepEqual(
    named.filter((name) => !known.includes(name)),
    [],
  );
});

/** Exported tables that no page has as such, and why. */
const unlisted: Readonly<Record<string, string>> = {
  denialCodes: 'some of the reasons',
};

test('every table of metrics, flags, codes and reasons that the code exports stands on a page', () => {
  const listed = readFileSync(`${root}test/house/doc-tables.ts`, 'utf8');
  const exported = sourceFiles('.ts')
    .filter(({ path }) => !/^(test|cli)\/|\.test\.ts$/.test(path))
    .flatMap(({ text }) => [...text.matchAll(/^export const (\w*(?:Metrics|Line|Codes|Reasons)|reasons|causes)\b/gm)])
    .map(([, name = '']) => name);
  assert.ok(exported.length > 10);
  assert.deepEqual(
    exported.filter((name) => !listed.includes(`import { ${name} }`) && unlisted[name] === undefined),
    [],
  );
});

function rowsOf(table: DocTable): readonly (readonly [string, string])[] {
  const [, , ...lines] = findTable(readFileSync(`${root}${table.page}`, 'utf8'), table)
    .trimEnd()
    .split('\n');
  const rows = [...lines.join('\n').matchAll(rowPattern)];
  assert.equal(rows.length, lines.length, 'rows of another form');
  return rows.map(([, name = '', text = '']) => [name, text.replaceAll('`', '')] as const).sort();
}
