// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { importsOf, root, type SourceFile, sourceFiles } from './source-files.ts';

/** The folders that each top-level folder may import, besides itself. */
const table: Readonly<Record<string, readonly string[]>> = {
  policy: [],
  runtime: [],
  certs: ['runtime'],
  cluster: ['policy', 'runtime'],
  webhook: ['policy', 'cluster', 'runtime'],
  nodeplugin: ['policy', 'cluster', 'runtime'],
  cli: ['policy', 'cluster', 'runtime'],
  build: ['cluster', 'runtime'],
};

/** The folders that single files may import, in addition to those of their own folder. */
const exceptions: Readonly<Record<string, readonly string[]>> = { 'webhook/main.ts': ['certs'] };

/** The libraries that policy/ may use. They compute, and have no input or output. */
const pureLibraries = ['xxhash-wasm', 'jsonc-parser'];

const production = sourceFiles('.ts').filter(({ path }) => !path.startsWith('test/') && !path.endsWith('.test.ts'));

test('every file outside test/ is in a folder of the table', () => {
  assert.deepEqual(
    production.filter(({ path }) => table[folderOf(path)] === undefined).map(({ path }) => path),
    [],
  );
});

test('docs/explanation/architecture.md shows this table', () => {
  const page = readFileSync(`${root}docs/explanation/architecture.md`, 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` +\| [^|]+ \| ([^|]+?) +\|$/gm)].map(([, folder = '', granted = '']) => [
    folder,
    [...granted.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  ]);
  assert.deepEqual(Object.fromEntries(rows), table);
});

test('no folder imports another one without an entry in the table', () => {
  assert.deepEqual(production.flatMap(forbiddenImports), []);
});

test('policy/ is pure: no node:*, no library that does more than compute, no clock, environment or randomness', () => {
  const violations = production
    .filter(({ path }) => path.startsWith('policy/'))
    .flatMap((file) => [
      ...importsOf(file)
        .filter((target) => !target.startsWith('policy/') && !pureLibraries.includes(target))
        .map((target) => `${file.path} imports ${target}`),
      ...[...file.text.matchAll(/\b(Date\.now|new Date|Math\.random|process\.|performance\.|console\.)/g)].map(
        ([use]) => `${file.path} uses ${use}`,
      ),
    ]);
  assert.deepEqual(violations, []);
});

test('only runtime/ reads the environment, and only runtime/log.ts imports the logger', () => {
  const environment = production.filter(
    // build/ does not read the environment: it writes `process.env` as text into programs.
    ({ path, text }) => !/^(?:runtime|build)\//.test(path) && text.includes('process.env'),
  );
  const loggers = production.filter(
    (file) => file.path !== 'runtime/log.ts' && importsOf(file).some((target) => target.startsWith('pino')),
  );
  assert.deepEqual(
    [...environment, ...loggers].map(({ path }) => path),
    [],
  );
});

test('every source file names its license in the first line, or in the second line after an interpreter', () => {
  const files = sourceFiles('.ts', '.c', '.proto').filter(
    ({ text }) => !/^(#!.*\n)?\/\/ SPDX-License-Identifier: Apache-2\.0\n/.test(text),
  );
  assert.deepEqual(
    files.map(({ path }) => path),
    [],
  );
});

function forbiddenImports(file: SourceFile): readonly string[] {
  const own = folderOf(file.path);
  const granted = [own, ...(table[own] ?? []), ...(exceptions[file.path] ?? [])];
  return importsOf(file)
    .filter((target) => target.endsWith('.ts') && !granted.includes(folderOf(target)))
    .map((target) => `${file.path} imports ${target}`);
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? '';
}
