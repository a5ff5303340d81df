// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { mountSmallDisk } from '../../../test/process/small-disk.ts';
import { installShim } from './install-shim.ts';

const needsRoot = process.getuid?.() === 0 ? false : 'needs root';
const socketPath = '/run/kube-macvtap/cni.sock';

/** Makes the bytes of a compiled program: code, the place for the path, and more bytes. */
function makeProgram(path = '/default.sock', code = 'code'): Buffer {
  const place = Buffer.alloc(116);
  place.write(`KMVTPATH${path}`);
  return Buffer.concat([Buffer.from(`\x7fELF ${code}\0`), place, Buffer.from('more')]);
}

async function stage() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-install-'));
  const binary = join(folder.path, 'built');
  const directory = join(folder.path, 'bin');
  await mkdir(directory);
  await writeFile(binary, makeProgram());
  return {
    folder: folder.path,
    binary,
    directory,
    path: join(directory, 'macvtap'),
    install: (given: Partial<Parameters<typeof installShim>[0]> = {}) =>
      installShim({ binary, directory, socketPath, ...given }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const refused = (message: RegExp) => ({ code: 'ShimNotInstalled', message });

test('the shim is installed with the socket path, is executable for all users, and is the only new file', async () => {
  await using here = await stage();
  const umask = process.umask(0o777);
  try {
    assert.equal(await here.install(), 'installed');
  } finally {
    process.umask(umask);
  }
  assert.deepEqual(await readFile(here.path), makeProgram(socketPath));
  assert.equal((await lstat(here.path)).mode & 0o7777, 0o755);
  assert.deepEqual(await readdir(here.directory), ['macvtap']);
  assert.deepEqual(await readFile(here.binary), makeProgram(), 'the built program is unchanged');
});

test('an installed shim is not replaced by the same one, and a longer socket path is overwritten completely', async () => {
  await using here = await stage();
  const long = `/run/${'x'.repeat(102)}`;
  assert.equal(await here.install({ socketPath: long }), 'installed');
  assert.deepEqual(await readFile(here.path), makeProgram(long));
  const { ino } = await lstat(here.path);
  assert.equal(await here.install({ socketPath: long }), 'unchanged');
  assert.equal((await lstat(here.path)).ino, ino);
  assert.equal(await here.install(), 'installed');
  assert.deepEqual(await readFile(here.path), makeProgram(socketPath));
});

test('a new version replaces the old one as a new file, so that running processes continue', async () => {
  await using here = await stage();
  await here.install();
  const { ino } = await lstat(here.path);
  await writeFile(here.binary, makeProgram('/default.sock', 'newer'));
  assert.equal(await here.install(), 'installed');
  assert.notEqual((await lstat(here.path)).ino, ino);
  assert.deepEqual(await readFile(here.path), makeProgram(socketPath, 'newer'));
  assert.deepEqual(await readdir(here.directory), ['macvtap'], 'an old version of the shim is not kept');
});

test('every foreign program of the same name is kept next to the shim', async () => {
  await using here = await stage();
  for (const theirs of ['theirs', 'their next']) {
    await writeFile(here.path, theirs);
    assert.equal(await here.install(), 'replaced');
    assert.equal(await here.install(), 'unchanged');
    assert.deepEqual((await readdir(here.directory)).toSorted(), ['macvtap', 'macvtap.replaced']);
    assert.equal(await readFile(join(here.directory, 'macvtap.replaced'), 'utf8'), theirs);
    assert.deepEqual(await readFile(here.path), makeProgram(socketPath));
  }
});

test('correct content with wrong permissions is replaced', { skip: needsRoot }, async () => {
  await using here = await stage();
  const elsewhere = join(here.folder, 'elsewhere');
  for (const spoil of [
    () => chmod(here.path, 0o777),
    () => chmod(here.path, 0o644),
    () => chmod(here.path, 0o4755),
    () => chown(here.path, 1000, 1000),
    async () => {
      await writeFile(elsewhere, makeProgram(socketPath), { mode: 0o755 });
      await rm(here.path);
      await symlink(elsewhere, here.path);
    },
  ]) {
    await here.install();
    await spoil();
    assert.equal(await here.install(), 'installed');
    const { mode, uid } = await lstat(here.path);
    assert.deepEqual([mode, uid], [0o100755, 0]);
  }
  assert.deepEqual(await readFile(elsewhere), makeProgram(socketPath), 'a symbolic link is replaced, not its target');
});

test('a broken symbolic link and the temporary file of a killed installation are replaced', async () => {
  await using here = await stage();
  await symlink('/nowhere/macvtap', here.path);
  await writeFile(join(here.directory, '.macvtap.0123456789ab.tmp'), 'half');
  assert.equal(await here.install(), 'installed');
  assert.deepEqual(await readdir(here.directory), ['macvtap']);
  assert.ok((await lstat(here.path)).isFile());
});

test('concurrent installations leave one complete program and no other file', async () => {
  await using here = await stage();
  const ends = await Promise.allSettled([here.install(), here.install(), here.install()]);
  assert.ok(ends.some(({ status }) => status === 'fulfilled'));
  assert.deepEqual(await readFile(here.path), makeProgram(socketPath));
  assert.deepEqual(await readdir(here.directory), ['macvtap']);
});

test('the error for a missing or invalid directory names its flag', async () => {
  await using here = await stage();
  for (const directory of [join(here.folder, 'missing'), here.binary]) {
    const message = /cannot install the CNI plugin as .*\/macvtap: .*\(ENO(ENT|TDIR)\); set --cni-bin-dir/;
    await assert.rejects(here.install({ directory }), refused(message));
  }
});

test("a directory at the shim's path is not removed", async () => {
  await using here = await stage();
  await mkdir(here.path);
  await assert.rejects(here.install(), refused(/\(EISDIR\); remove the directory/));
  assert.deepEqual(await readdir(here.directory), ['macvtap']);
});

test('on a full or read-only disk, the install fails, keeps the old file and leaves no other file', {
  skip: needsRoot,
}, async () => {
  await using here = await stage();
  await using disk = await mountSmallDisk(join(here.folder, 'disk'));
  const directory = disk.path;
  const there = () => readFile(join(directory, 'macvtap'));
  await here.install({ directory });
  await writeFile(here.binary, makeProgram('/default.sock', 'x'.repeat(100_000)));
  await disk.fill();
  await assert.rejects(here.install({ directory }), refused(/\(ENOSPC\); free some space/));
  await disk.free();
  await disk.remount('ro');
  await assert.rejects(here.install({ directory }), refused(/\(EROFS\); mount .* writable/));
  assert.deepEqual(await there(), makeProgram(socketPath));
  assert.deepEqual(await readdir(directory), ['macvtap']);
  await disk.remount('rw');
  assert.equal(await here.install({ directory }), 'installed');
});

test('a socket path that the shim cannot print or connect to is rejected, and nothing is installed', async () => {
  await using here = await stage();
  for (const socketPath of [
    '',
    'cni.sock',
    '/',
    '/run/',
    '/run//cni.sock',
    '/run/"',
    '/run/a\\b',
    '/run/ü',
    '/run/a b',
    '/run/a\0b',
    '/run/%s\n',
    `/${'x'.repeat(107)}`,
  ]) {
    await assert.rejects(here.install({ socketPath }), refused(/set --cni-socket to an absolute path/), socketPath);
  }
  assert.deepEqual(await readdir(here.directory), []);
});

test('a file that is not a shim is not installed', async () => {
  await using here = await stage();
  await assert.rejects(here.install({ binary: '/nowhere' }), refused(/\/nowhere: .*ENOENT.*npm run shim/));
  for (const content of [
    Buffer.alloc(0),
    Buffer.from('a shell script'),
    Buffer.concat([makeProgram(), makeProgram()]),
    makeProgram().subarray(0, 100),
  ]) {
    await writeFile(here.binary, content);
    await assert.rejects(here.install(), refused(/is not a shim of the CNI plugin: it has no place .*, or several/));
  }
  assert.deepEqual(await readdir(here.directory), []);
});
