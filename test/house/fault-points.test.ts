// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultPoints } from '../../runtime/fault-points.ts';
import { sourceFiles } from './source-files.ts';

const production = sourceFiles('.ts').filter(
  ({ path }) => !path.startsWith('test/') && !path.endsWith('.test.ts') && path !== 'runtime/fault-points.ts',
);

/**
 * The names in all calls of `faultPoint`, without quotes. An argument that is not a literal stays as source text, which
 * is never in the table `faultPoints`.
 */
const uses = production.flatMap(({ text }) =>
  [...text.matchAll(/\bfaultPoint\(\s*([^)]*?)[\s,]*\)/g)].map(([, argument = '']) =>
    argument.replace(/^'(.*)'$/, '$1'),
  ),
);

test('every entry of the table is called exactly once, and every call is in the table', () => {
  assert.deepEqual(uses.toSorted(), Object.keys(faultPoints).toSorted());
});

test('only the module of these points reads the environment variable that arms them', () => {
  const readers = production.filter(({ text }) => text.includes('MACVTAP_TEST_FAULT'));
  assert.deepEqual(
    readers.map(({ path }) => path),
    [],
  );
});
