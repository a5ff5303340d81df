// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { encodeTar } from './tar.ts';

test('tar can list and unpack the archive, for files of any length', () => {
  const sizes = [0, 1, 511, 512, 513, 100_000];
  const files = sizes.map((size) => ({ name: `a/${size}.txt`, content: Buffer.alloc(size, 'x') }));
  const input = encodeTar(files, 1_700_000_000);
  const listed = execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8', env: { ...process.env, TZ: 'UTC' } });
  const rows = listed
    .trimEnd()
    .split('\n')
    .map((row) => row.split(/\s+/));
  assert.deepEqual(
    rows.map(([mode, , size, date, , name]) => [mode, size, date, name]),
    sizes.map((size) => ['-rw-------', String(size), '2023-11-14', `a/${size}.txt`]),
  );
  assert.equal(execFileSync('tar', ['-xOf', '-', 'a/513.txt'], { input }).length, 513);
});

test('a name that is too long is rejected', () => {
  assert.throws(() => encodeTar([{ name: 'x'.repeat(101), content: Buffer.alloc(0) }], 0), /too long/);
});

test('a file can have other permissions than those of its owner', () => {
  const input = encodeTar([{ name: 'program', content: Buffer.from('x'), mode: 0o755 }], 0);
  assert.match(execFileSync('tar', ['-tvf', '-'], { input, encoding: 'utf8' }), /^-rwxr-xr-x /);
});
