// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { findTable } from './doc-tables.ts';
import { root } from './source-files.ts';
import { readValueRows, renderValuesTable } from './values-table.ts';

const page = 'charts/kube-macvtap/README.md';

test("the chart's README has the values of values.yaml with their comments; if not, run npm run generate", () => {
  const text = readFileSync(`${root}${page}`, 'utf8');
  const values = readFileSync(`${root}charts/kube-macvtap/values.yaml`, 'utf8');
  assert.equal(findTable(text, { page, title: 'value' }), renderValuesTable(values));
});

test('every key below a comment is a value, and a key that only groups values is not', () => {
  const text = '# Of the file.\n\na:\n  # One\n  # line.\n  b: 1\n  # A map.\n  c:\n    d: {e: 2}\n\n# Text.\nf: ""\n';
  assert.deepEqual(readValueRows(text), [
    { path: 'a.b', value: 1, meaning: 'One line.' },
    { path: 'a.c', value: { d: { e: 2 } }, meaning: 'A map.' },
    { path: 'f', value: '', meaning: 'Text.' },
  ]);
});

test('a value without a comment is refused, with its name', () => {
  assert.throws(() => readValueRows('a:\n  # Told.\n  b: 1\n  c: 2\n'), /a\.c has no comment/);
});
