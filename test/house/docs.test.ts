// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { nodePluginLine } from '../../nodeplugin/config.ts';
import { reasons } from '../../policy/reasons.ts';
import { errorCodes } from '../../runtime/error-codes.ts';
import { root } from './source-files.ts';

const tables = [
  { page: 'docs/reasons.md', code: reasons },
  { page: 'docs/errors.md', code: errorCodes },
  {
    page: 'docs/node-plugin.md',
    code: Object.fromEntries(
      Object.entries(nodePluginLine.flags).map(([name, { description }]) => [`--${name}`, description]),
    ),
  },
] as const;

for (const { page, code } of tables) {
  test(`${page} has exactly the rows that the code has, with its texts`, () => {
    assert.deepEqual(rowsOf(page), Object.entries(code).sort());
  });
}

/** The rows of a page whose first cell is code: `| \`Name\` | text |`. */
function rowsOf(page: string): readonly (readonly [string, string])[] {
  const rows = readFileSync(`${root}${page}`, 'utf8').matchAll(/^\| `([^`]+)` +\| ([^|]+?) +\|$/gm);
  return [...rows].map(([, name = '', text = '']) => [name, text.replaceAll('`', '')] as const).sort();
}
