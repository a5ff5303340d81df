// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { readPage } from './markdown.ts';
import { root, sourceFiles } from './source-files.ts';
import { readValueRows } from './values-table.ts';

const pages = sourceFiles('.md').map(({ path, text }) => ({ path, ...readPage(text) }));
const programs = sourceFiles('.ts', '.yaml', '.tpl')
  .filter(({ path }) => !path.endsWith('.test.ts'))
  .map(({ text }) => text)
  .join('\n');

/** Flags of Helm and kubectl that this project's programs do not mention. */
const flagsOfOthers = ['--take-ownership', '--force-conflicts'];

test('metrics, variables and flags that pages name exist in a program', () => {
  const unknown = pages.flatMap(({ path, prose }) =>
    prose.flatMap(({ line, text }) =>
      [...text.matchAll(/\bkube_macvtap_\w+|\bKUBE_MACVTAP_[A-Z_]+[A-Z]|`(--[a-z][a-z-]+)/g)]
        .map(([whole, flag]) => flag ?? whole)
        .filter((name) => !isKnown(name))
        .map((name) => `${path}:${line}: ${name}`),
    ),
  );
  assert.deepEqual(unknown, []);
});

test('values of the chart that pages name are in values.yaml', () => {
  const paths = readValueRows(readFileSync(`${root}charts/kube-macvtap/values.yaml`, 'utf8')).map(({ path }) => path);
  const groups = new Set(paths.filter((path) => path.includes('.')).map((path) => path.split('.')[0]));
  const unknown = pages.flatMap(({ path, prose }) =>
    prose.flatMap(({ line, text }) =>
      [...text.matchAll(/`([a-zA-Z]+)\.([a-zA-Z.]+)(?=[`:=])/g)]
        .filter(([, group]) => groups.has(group))
        .map(([, group, rest]) => `${group}.${rest}`)
        .filter((name) => !paths.some((known) => known === name || known.startsWith(`${name}.`)))
        .map((name) => `${path}:${line}: ${name}`),
    ),
  );
  assert.deepEqual(unknown, []);
});

function isKnown(name: string): boolean {
  if (name.startsWith('kube_')) return new RegExp(`\\b${name.replace(/_(bucket|sum|count)$/, '')}\\b`).test(programs);
  // An environment variable has the name of its flag.
  const flag = name.startsWith('--')
    ? name.slice(2)
    : name.slice('KUBE_MACVTAP_'.length).toLowerCase().replaceAll('_', '-');
  return (
    flagsOfOthers.includes(name) ||
    programs.includes(`'${flag}':`) ||
    new RegExp(`^\\s+${flag}:`, 'm').test(programs) ||
    programs.includes(name)
  );
}
