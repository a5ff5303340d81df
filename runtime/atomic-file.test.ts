// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTemporaryFiles, replaceFile, writeFileAtomically } from './atomic-file.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-atomic-'));

test('the file is replaced atomically, only its owner can read it, and no temporary file remains', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'state.json');
  await writeFileAtomically(path, 'a longer first text');
  await writeFileAtomically(path, new TextEncoder().encode('second'));
  assert.equal(await readFile(path, 'utf8'), 'second');
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(directory.path), ['state.json']);
});

test('after concurrent writes, the file has the content of one writer', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'state.json');
  const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(5_000));
  await Promise.all(contents.map((content) => writeFileAtomically(path, content)));
  assert.ok(contents.includes(await readFile(path, 'utf8')));
  assert.deepEqual(await readdir(directory.path), ['state.json']);
});

test('a failure names the path and the next step, and leaves no temporary file', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'state.json');
  await mkdir(path);
  await assert.rejects(writeFileAtomically(path, 'x'), (error: Error) => {
    assert.equal((error as { code?: string }).code, 'FileNotWritten');
    assert.ok(error.message.startsWith(`cannot write ${path}: illegal operation on a directory (EISDIR); `));
    return true;
  });
  assert.deepEqual(await readdir(directory.path), ['state.json']);
});

test('if the directory is missing, the next step names it', async () => {
  await assert.rejects(writeFileAtomically('/nonexistent/state.json', 'x'), {
    code: 'FileNotWritten',
    message:
      'cannot write /nonexistent/state.json: no such file or directory (ENOENT); create the directory /nonexistent again',
  });
});

test('only temporary files of the given file are removed', async () => {
  await using directory = await temporaryDirectory();
  const others = ['state.json', '.state.json.tmp', '.state.json.short.tmp', '.other.json.0123456789ab.tmp'];
  for (const name of [...others, '.state.json.0123456789ab.tmp']) await writeFile(join(directory.path, name), '');
  assert.deepEqual(await removeTemporaryFiles(join(directory.path, 'state.json')), ['.state.json.0123456789ab.tmp']);
  assert.deepEqual((await readdir(directory.path)).sort(), others.sort());
});

test('a missing directory has no temporary files', async () => {
  assert.deepEqual(await removeTemporaryFiles('/nonexistent/state.json'), []);
});

test('replaceFile makes the file readable for all users, and leaves no partial or temporary file', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'state.yaml');
  const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(5_000));
  await Promise.all(contents.map((content) => replaceFile(path, content)));
  assert.ok(contents.includes(await readFile(path, 'utf8')));
  assert.equal((await stat(path)).mode & 0o444, 0o444);
  assert.deepEqual(await readdir(directory.path), ['state.yaml']);
  await assert.rejects(replaceFile(join(directory.path, 'gone/state.yaml'), 'x'), { code: 'FileNotWritten' });
});
