// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultPoints } from '../../runtime/fault-points.ts';
import { sourceFiles } from './source-files.ts';

const production = sourceFiles('.ts').filter(
  ({ path }) => !path.startsWith('test/') && !path.endsWith('.test.ts') && path !== 'runtime/fault-point.ts',
);

/** Calls with anything but a literal name would escape the comparison, so they show up as what stands there. */
const uses = production.flatMap(({ text }) =>
  [...text.matchAll(/\bfaultPoint\(\s*([^)]*?)[\s,]*\)/g)].map(([, argument = '']) =>
    argument.replace(/^'(.*)'$/, '$1'),
  ),
);

test('every fault point of the table is called exactly once, and none that the table lacks', () => {
  assert.deepEqual(uses.toSorted(), Object.keys(faultPoints).toSorted());
});

test('the variable that arms fault points is read by runtime/fault-point.ts alone', () => {
  const readers = production.filter(({ text }) => text.includes('MACVTAP_TEST_FAULT'));
  assert.deepEqual(
    readers.map(({ path }) => path),
    [],
  );
});
