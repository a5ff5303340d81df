// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface Growth {
  readonly target: string;
  readonly place: string;
  readonly isEqual: boolean;
  readonly few: number;
  readonly many: number;
}

/**
 * With four times the members, a linear parser takes four times the steps, and a little more for sorting. A quadratic
 * one takes sixteen times as many.
 */
const maxRatio = 6;

test('no list or map in foreign JSON costs more than its length: four times the members take four times the steps', async () => {
  const program = fileURLToPath(new URL('./growth.ts', import.meta.url));
  // The test runner uses the same counters for coverage, so its own counting must be off.
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env, maxBuffer: 2 ** 26 });
  const rows = stdout
    .trim()
    .split('\n')
    .map((line): Growth => JSON.parse(line));
  assert.ok(rows.length > 200, `${rows.length} places`);
  assert.deepEqual(
    rows.filter(({ few, many }) => many > maxRatio * few),
    [],
  );
});
