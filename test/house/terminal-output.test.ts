// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sourceFiles } from './source-files.ts';

const production = sourceFiles('.ts').filter(({ path }) => !path.startsWith('test/') && !path.endsWith('.test.ts'));

/**
 * The files that write to standard output or standard error. They use runtime/terminal-text.ts, or print no foreign
 * text.
 */
const writers: Readonly<Record<string, string>> = {
  'cli/output/print.ts': 'through printable and printableLines',
  'runtime/run-command.ts': 'errors through printableLines; the help is constant',
  'runtime/log.ts': 'through printableLines',
  'cli/kubectl-macvtap.ts': 'the usage and the version, which are constant',
  'cli/status/command.ts': 'through printable and printableLines',
  'build/generate-types.ts': 'a tool of the build',
  'build/build-shim.ts': 'a tool of the build',
  'build/bundle-program.ts': 'a tool of the build',
  'build/release/main.ts': 'progress through printableLines; the table has only checked names and digests',
  'build/executables/build-executables.ts': 'a tool of the build',
};

test('only the listed files write to a terminal, through one function', () => {
  const found = production
    .filter(
      ({ path, text }) =>
        /\bconsole\.\w+\(|\bstd(out|err)\.write\(|\bfd: 2\b/.test(text) ||
        (path.startsWith('cli/') && text.includes('stream.write(')),
    )
    .map(({ path }) => path);
  assert.deepEqual(found.sort(), Object.keys(writers).sort());
  for (const { path, text } of production) {
    const way = writers[path];
    if (way?.includes('through') === true) assert.match(text, /\bprintable(Lines)?\(/, path);
  }
});

test('no other file decides which characters a terminal must not get', () => {
  const own = production.filter(({ path, text }) => path !== 'runtime/terminal-text.ts' && /\\p\{C[cf]?\}/.test(text));
  // These files first turn line breaks into blanks, and then use printable.
  assert.deepEqual(own.map(({ path }) => path).sort(), [
    'cluster/report/events/event-writer.ts',
    'webhook/admission/responses.ts',
  ]);
  for (const { path, text } of own) assert.match(text, /\bprintable\(/, path);
});
