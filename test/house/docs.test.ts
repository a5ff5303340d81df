// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reasonFixes, reasonReference } from '../../policy/reason-fixes.ts';
import { errorFixes, errorReference } from '../../runtime/errors.ts';
import { rows } from '../bench/rows.ts';
import { type DocRow, type DocTable, docTables, findTable, readRows, rowsOfCode } from './doc-tables.ts';
import { anchorsOf, readPage } from './markdown.ts';
import { root, sourceFiles } from './source-files.ts';

for (const table of docTables) {
  test(`${table.page} has exactly the rows of each ${table.title} in the code, with its text`, () => {
    assert.deepEqual(rowsOf(table), sorted(rowsOfCode(table)));
  });
}

test('each reason and each error code has the anchor to which messages refer', () => {
  const places = [
    ...(Object.keys(reasonFixes) as (keyof typeof reasonFixes)[]).map(reasonReference),
    ...(Object.keys(errorFixes) as (keyof typeof errorFixes)[]).map(errorReference),
  ];
  const anchors = new Map(
    ['docs/reference/reasons.md', 'docs/reference/errors.md'].map(
      (page) => [page, new Set(anchorsOf(readPage(readFileSync(`${root}${page}`, 'utf8'))))] as const,
    ),
  );
  assert.ok(places.length > 150);
  assert.deepEqual(
    places.filter((place) => {
      const [page = '', anchor = ''] = place.split('#');
      return anchors.get(page)?.has(anchor) !== true;
    }),
    [],
  );
});

test('a fix is one sentence of at most 20 words', () => {
  const fixes = { ...reasonFixes, ...errorFixes };
  assert.deepEqual(
    Object.entries(fixes).filter(([, fix]) => !/^[A-Z][^\n]*[^.]\.$/.test(fix) || fix.split(' ').length > 20),
    [],
  );
});

test('no page contains printed figures of the bench, which become outdated; pages describe how to measure', () => {
  const printed = sourceFiles('.md').flatMap(({ path, text }) =>
    [...text.matchAll(/^.*\(n=\d+\).*$/gm)].map(([line]) => `${path}: ${line}`),
  );
  assert.deepEqual(printed, []);
});

test('the rows of the bench that pages name exist', () => {
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

/** Exported tables that have no table of their own on a page, each with the reason. */
const unlisted: Readonly<Record<string, string>> = {
  denialCodes: 'some of the reasons',
};

test('every table of metrics, flags, codes and reasons that the code exports is on a page', () => {
  const listed = readFileSync(`${root}test/house/doc-tables.ts`, 'utf8');
  const imported = [...listed.matchAll(/^import \{ ([^}]+) \}/gm)].flatMap(([, names = '']) => names.split(', '));
  const exported = sourceFiles('.ts')
    .filter(({ path }) => !/^(test|cli)\/|\.test\.ts$/.test(path))
    .flatMap(({ text }) => [...text.matchAll(/^export const (\w*(?:Metrics|Line|Codes|Reasons)|reasons|causes)\b/gm)])
    .map(([, name = '']) => name);
  assert.ok(exported.length > 10);
  assert.deepEqual(
    exported.filter((name) => !imported.includes(name) && unlisted[name] === undefined),
    [],
  );
});

function rowsOf(table: DocTable): readonly DocRow[] {
  const { rows, others } = readRows(findTable(readFileSync(`${root}${table.page}`, 'utf8'), table));
  assert.deepEqual(others, [], 'rows of another form');
  return sorted(rows.map((row) => ({ ...row, text: row.text.replaceAll('`', '') })));
}

function sorted(rows: readonly DocRow[]): readonly DocRow[] {
  return rows.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}
