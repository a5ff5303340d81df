// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findLockHolder, lockDirectory, openMarker, parseLockHolder } from './state-directory.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-lock-'));

test('a directory can be locked only once at a time, and the lock creates no file', async () => {
  await using directory = await temporaryDirectory();
  {
    await using _lock = await lockDirectory(directory.path);
    await assert.rejects(lockDirectory(directory.path), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'LedgerLocked');
      assert.match(error.message, /in use by .*; stop it, or choose another directory with --state-dir$/);
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

test('a failed attempt to lock a directory leaves no open descriptor', async () => {
  await using directory = await temporaryDirectory();
  await using _lock = await lockDirectory(directory.path);
  const before = await readdir('/proc/self/fd');
  for (let attempt = 0; attempt < 20; attempt += 1) await assert.rejects(lockDirectory(directory.path));
  assert.ok((await readdir('/proc/self/fd')).length < before.length + 10);
});

test('the error names a missing directory', async () => {
  await assert.rejects(lockDirectory('/nonexistent/state'), {
    code: 'LedgerUnavailable',
    message: /^cannot open the state directory \/nonexistent\/state: no such file or directory \(ENOENT\); /,
  });
});

/** The devices 253:1 and 259:65537. The second one's minor number does not fit in one byte. */
const device = 0xfd01n;
const wideDevice = (0x103n << 8n) | 0x01n | (0x10000n << 12n);

const locks = `1: POSIX  ADVISORY  WRITE 11 fd:01:500 0 EOF
2: FLOCK  ADVISORY  READ  12 fd:01:500 0 EOF
3: FLOCK  ADVISORY  WRITE 0 fd:01:501 0 EOF
4: FLOCK  ADVISORY  WRITE 14 fd:01:5000 0 EOF
5: FLOCK  ADVISORY  WRITE 15 00:01:500 0 EOF
6: FLOCK  ADVISORY  WRITE 16 fd:01:500 0 EOF
6: -> FLOCK  ADVISORY  WRITE 17 fd:01:502 0 EOF
7: FLOCK  ADVISORY  WRITE 18 103:10001:9 0 EOF
`;

for (const [what, dev, ino, holder] of [
  ['the exclusive flock of the file', device, 500n, 16],
  ['no holder outside of this PID namespace', device, 501n, undefined],
  ['no process that only waits for the lock', device, 502n, undefined],
  ['no holder for a file without a lock', device, 9n, undefined],
  ['a file on a device with a wide number', wideDevice, 9n, 18],
] as const) {
  test(`/proc/locks shows ${what}`, () => {
    assert.equal(parseLockHolder(locks, dev, ino), holder);
  });
}

test('a file that is gone has no holder', async () => {
  assert.equal(await findLockHolder('/nonexistent'), undefined);
});

test('a marker stays set, and is also set if its file cannot be looked for', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'marker');
  const marker = await openMarker(path);
  assert.equal(marker.isSet, false);
  for (const _again of [1, 2]) await marker.set();
  assert.deepEqual([marker.isSet, (await openMarker(path)).isSet], [true, true]);
  assert.equal((await openMarker(join(path, 'below-a-file'))).isSet, true);
  await assert.rejects((await openMarker(join(directory.path, 'gone', 'marker'))).set(), { code: 'FileNotWritten' });
});
