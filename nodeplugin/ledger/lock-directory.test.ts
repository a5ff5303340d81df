// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { lockDirectory } from './lock-directory.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-lock-'));

test('a directory is locked once, until its scope ends, and nothing is put into it', async () => {
  await using directory = await temporaryDirectory();
  {
    await using _lock = await lockDirectory(directory.path);
    await assert.rejects(lockDirectory(directory.path), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'LedgerLocked');
      assert.match(error.message, /in use by .*; stop it, or give this one a state directory of its own$/);
      return true;
    });
    assert.deepEqual(await readdir(directory.path), []);
  }
  await using _again = await lockDirectory(directory.path);
});

test('two directories are locked independently', async () => {
  await using one = await temporaryDirectory();
  await using other = await temporaryDirectory();
  await using _lock = await lockDirectory(one.path);
  await using _another = await lockDirectory(other.path);
});

test('a refused attempt leaves no descriptor', async () => {
  await using directory = await temporaryDirectory();
  await using _lock = await lockDirectory(directory.path);
  const before = await readdir('/proc/self/fd');
  for (let attempt = 0; attempt < 20; attempt += 1) await assert.rejects(lockDirectory(directory.path));
  assert.ok((await readdir('/proc/self/fd')).length < before.length + 10);
});

test('a directory that is not there is named', async () => {
  await assert.rejects(lockDirectory('/nonexistent/state'), {
    code: 'LedgerUnavailable',
    message: /^cannot open the state directory \/nonexistent\/state: no such file or directory \(ENOENT\); /,
  });
});
