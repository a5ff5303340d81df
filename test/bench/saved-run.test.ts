// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Run, readRun, renderRun, thisMachine } from './saved-run.ts';

const run: Run = {
  date: '2026-11-30',
  machine: thisMachine(),
  figures: [
    {
      ...{ row: 'allocate', title: 'Allocate', unit: 'ms', value: 3, count: 5, range: { low: 2, high: 4 } },
      beside: { title: 'netlink', value: 2, count: 4 },
      reach: { ratioAtMost: 1 },
    },
  ],
  failures: ['attach: could not be measured: no root'],
};

test('a printed run can be read again, and contains the ratio and whether the limit is met', () => {
  const [figure] = run.figures;
  assert.deepEqual(readRun(renderRun(run)), { run: { ...run, figures: [{ ...figure, ratio: 1.5, met: false }] } });
});

for (const [what, text, reason] of [
  ['text', 'ROW  MEASURED', /^it is not JSON: /],
  ['another JSON value', '[]', /^it has no list of figures$/],
  ['a figure without a value', '{"figures": [{"title": "a", "unit": "ms", "count": 1}]}', /^figures\[0\] has no title/],
  [
    'a figure with an invalid range',
    '{"figures": [{"title": "a", "unit": "ms", "value": 1, "count": 1, "range": {}}]}',
    /^figures\[0\]/,
  ],
] as const) {
  test(`${what} is not a run`, () => {
    const read = readRun(text);
    assert.match('fault' in read ? read.fault : '', reason);
  });
}

test('an unreadable file of --compare ends the command before anything is measured, with the exit code for usage', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-compare-'));
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  const compare = (file: string) =>
    spawnSync(process.execPath, [main, '--only', 'list-and-watch', '--compare', file], { encoding: 'utf8' });
  const missing = compare(join(folder.path, 'none.json'));
  assert.deepEqual([missing.status, missing.stdout], [2, '']);
  assert.match(missing.stderr, /none\.json cannot be compared: ENOENT.*npm run --silent bench -- --json/);
  const table = join(folder.path, 'table.txt');
  await writeFile(table, 'ROW  MEASURED\n');
  const text = compare(table);
  assert.deepEqual([text.status, text.stdout], [2, '']);
  assert.match(text.stderr, /table\.txt cannot be compared: it is not JSON/);
});
