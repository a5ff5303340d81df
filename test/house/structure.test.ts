// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, type SourceFile, sourceFiles } from './source-files.ts';

/** Whether the file was generated from the schema in the chart, or from .proto files. */
const isGenerated = ({ text }: SourceFile) => /^\/\/ Generated from /m.test(text.slice(0, 400));

const production = sourceFiles('.ts', '.c').filter(
  (file) => !file.path.startsWith('test/') && !file.path.endsWith('.test.ts') && !isGenerated(file),
);
const isRule = ({ path }: SourceFile) => /^policy\/.*\/(?:check|default|find|warn)-[^/]+\.ts$/.test(path);
const lines = (text: string) => text.split('\n').length - 1;

test('the product has few files, and few of them are very short or long', (t) => {
  const sizes = production.map(({ text }) => lines(text)).sort((one, other) => one - other);
  const median = sizes[Math.floor((sizes.length - 1) / 2)] ?? 0;
  const small = production.filter(({ text }) => lines(text) < 30);
  // A rule has a separate file, however short it is.
  const [rules, others] = [small.filter(isRule), small.filter((file) => !isRule(file))];
  t.diagnostic(
    `${sizes.length} files, median ${median} lines, ${others.length} and ${rules.length} rules under 30, longest ${sizes.at(-1)}`,
  );
  assert.ok(sizes.length <= 400, `${sizes.length} files; at most 400`);
  assert.ok(median >= 80 && median <= 120, `a median of ${median} lines; 80 to 120`);
  assert.ok(
    others.length <= sizes.length * 0.05,
    `under 30 lines, at most 5 %: ${others.map(({ path }) => path).join(' ')}`,
  );
  assert.deepEqual(
    production.filter(({ text }) => lines(text) > 250).map(({ path }) => path),
    [],
    'over 250 lines',
  );
});

test('no file imports itself through other files, including type imports', () => {
  const imports = new Map(
    production.map((file) => [file.path, importsOf(file).filter((target) => target.endsWith('.ts'))]),
  );
  assert.deepEqual(findCycles(imports), []);
});

test('comments fit 120 columns', () => {
  const written = sourceFiles('.ts', '.c').filter(({ path }) => !path.endsWith('.pb.ts'));
  const wide = written.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) => (/^\s*(?:\/\/|\/?\*)/.test(line) && line.length > 120 ? [`${path}:${index + 1}`] : [])),
  );
  assert.deepEqual(wide, []);
});

/** Returns each cycle once, as `a.ts → b.ts → a.ts`. */
function findCycles(imports: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    const start = way.indexOf(path);
    if (start >= 0) return void cycles.push([...way.slice(start), path].join(' → '));
    if (done.has(path)) return;
    for (const target of imports.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) visit(path, []);
  return cycles;
}
