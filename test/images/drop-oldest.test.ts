// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { dropOldest } from './drop-oldest.ts';

it('the most recently used archives of a kind are kept, and all archives of other kinds', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'kmt-archives-'));
  for (const [name, seconds] of Object.entries({ 'node-a': 3, 'node-b': 1, 'node-c': 2, 'webhook-a': 0 })) {
    await writeFile(join(folder.path, name), '');
    await utimes(join(folder.path, name), seconds, seconds);
  }
  await dropOldest(folder.path, 'node-', 2);
  assert.deepEqual((await readdir(folder.path)).toSorted(), ['node-a', 'node-c', 'webhook-a']);
  await dropOldest(folder.path, 'node-', 2);
  assert.equal((await readdir(folder.path)).length, 3);
});
