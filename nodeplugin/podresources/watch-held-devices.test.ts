// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, rename, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { followKubeletAge } from './watch-held-devices.ts';

const hourMs = 3_600_000;

test('a run that exists at the first check is as old as its socket', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-age-'));
  const path = join(directory.path, 'kubelet.sock');
  await writeFile(path, '');
  const now = Date.now();
  t.mock.method(Date, 'now', () => now + hourMs);
  const startedAtMs = await followKubeletAge(path).startedAtMs();
  assert.ok(startedAtMs !== undefined && startedAtMs < performance.now() - hourMs / 2);
});

test('the start of a later run is the time when its socket is first seen, independent of the wall clock', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-age-'));
  const path = join(directory.path, 'kubelet.sock');
  const age = followKubeletAge(path);
  assert.equal(await age.startedAtMs(), undefined);
  await writeFile(path, '');
  const first = await age.startedAtMs();
  const now = Date.now();
  t.mock.method(Date, 'now', () => now + hourMs);
  for (const replace of [
    () => writeFile(`${path}.new`, '').then(() => rename(`${path}.new`, path)),
    // A new socket with the same inode number has another change time.
    () => utimes(path, 0, 0),
  ]) {
    await replace();
    const before = performance.now();
    const startedAtMs = await age.startedAtMs();
    assert.ok(startedAtMs !== undefined && startedAtMs >= before);
    assert.notEqual(startedAtMs, first);
    assert.equal(await age.startedAtMs(), startedAtMs);
  }
});

test('a wall clock that was set back does not cause a negative age', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-age-'));
  const path = join(directory.path, 'kubelet.sock');
  await writeFile(path, '');
  const now = Date.now();
  t.mock.method(Date, 'now', () => now - hourMs);
  const startedAtMs = await followKubeletAge(path).startedAtMs();
  assert.ok(startedAtMs !== undefined && startedAtMs <= performance.now());
});
