// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import {
  chmod,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import { createDirectoryStore, publishToFile } from './directory-store.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-certs-'));
const { signal } = new AbortController();
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

describe('a directory as a store', () => {
  it('is created by the first write, with access only for its owner', async () => {
    await using parent = await temporaryDirectory();
    const directory = join(parent.path, 'certs');
    const store = createDirectoryStore(directory);
    assert.equal(await store.read(signal), undefined);
    assert.equal(await store.write({ 'tls.crt': 'a', 'tls.key': 'b' }, undefined, signal), 'written');
    assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': 'a', 'tls.key': 'b' });
    assert.deepEqual(await readdir(directory), ['state-1']);
    assert.deepEqual(
      await Promise.all(['', 'state-1', 'state-1/tls.key'].map((path) => modeOf(join(directory, path)))),
      ['700', '700', '600'],
    );
  });

  it('replaces the whole state, and keeps no old keys', async () => {
    await using directory = await temporaryDirectory();
    const store = createDirectoryStore(directory.path);
    await store.write({ 'tls.crt': 'a', 'next-tls.key': 'secret' }, undefined, signal);
    assert.equal(await store.write({ 'tls.crt': 'b' }, (await store.read(signal))?.version, signal), 'written');
    assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': 'b' });
    assert.deepEqual(await readdir(directory.path), ['state-2']);
  });

  it('refuses a write that expects another version of the state', async () => {
    await using directory = await temporaryDirectory();
    const store = createDirectoryStore(directory.path);
    await store.write({ 'tls.crt': 'a' }, undefined, signal);
    const first = (await store.read(signal))?.version;
    assert.equal(await store.write({ 'tls.crt': 'x' }, undefined, signal), 'conflict');
    await store.write({ 'tls.crt': 'b' }, first, signal);
    assert.equal(await store.write({ 'tls.crt': 'x' }, first, signal), 'conflict');
    await rm(join(directory.path, 'state-2'), { recursive: true });
    await store.write({ 'tls.crt': 'again' }, undefined, signal);
    assert.equal(await store.write({ 'tls.crt': 'x' }, first, signal), 'conflict', 'the number is the same');
    assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': 'again' });
  });

  it('lets exactly one of many writers succeed, and leaves no files of the others', async () => {
    await using directory = await temporaryDirectory();
    const store = createDirectoryStore(directory.path);
    for (const round of ['first', 'second', 'third']) {
      const version = (await store.read(signal))?.version;
      const writers = Array.from({ length: 8 }, (_, index) => `${round} ${index}`);
      const results = await Promise.all(writers.map((text) => store.write({ 'tls.crt': text }, version, signal)));
      assert.equal(results.filter((result) => result === 'written').length, 1, results.join());
      assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': writers[results.indexOf('written')] });
      assert.equal((await readdir(directory.path)).length, 1);
    }
  });

  it('never returns an incomplete state during a write', async () => {
    await using directory = await temporaryDirectory();
    const store = createDirectoryStore(directory.path);
    await store.write({ 'tls.crt': '0', 'tls.key': '0', 'ca.crt': '0' }, undefined, signal);
    let isOver = false;
    const readers = Array.from({ length: 3 }, async () => {
      while (!isOver) assert.equal(new Set(Object.values((await store.read(signal))?.data ?? {})).size, 1);
    });
    for (let n = 1; n <= 200; n += 1) {
      const data = { 'tls.crt': `${n}`, 'tls.key': `${n}`, 'ca.crt': `${n}` };
      assert.equal(await store.write(data, (await store.read(signal))?.version, signal), 'written');
    }
    isOver = true;
    await Promise.all(readers);
  });

  it('ignores the files of a killed writer, and removes them when they are old', async () => {
    await using directory = await temporaryDirectory();
    for (const name of ['.new-old', '.new-young']) {
      await mkdir(join(directory.path, name));
      await writeFile(join(directory.path, name, 'tls.crt'), 'half');
    }
    await utimes(join(directory.path, '.new-old'), 0, 0);
    const store = createDirectoryStore(directory.path);
    assert.equal(await store.read(signal), undefined);
    await store.write({ 'tls.crt': 'a' }, undefined, signal);
    assert.deepEqual(await readdir(directory.path), ['.new-young', 'state-1']);
  });

  it('continues after any file or directory whose name is that of a state', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'state-3'), 'a file');
    await symlink('/nonexistent', join(directory.path, 'state-5'));
    await mkdir(join(directory.path, 'state-x'));
    const store = createDirectoryStore(directory.path);
    const found = await store.read(signal);
    assert.deepEqual(found?.data, {});
    assert.equal(await store.write({ 'tls.crt': 'a' }, found?.version, signal), 'written');
    assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': 'a' });
    assert.deepEqual(await readdir(directory.path), ['state-6', 'state-x']);
  });

  it('reads files that a person edited or removed', async () => {
    await using directory = await temporaryDirectory();
    const store = createDirectoryStore(directory.path);
    await store.write({ 'tls.crt': 'a', 'tls.key': 'b' }, undefined, signal);
    await writeFile(join(directory.path, 'state-1', 'tls.crt'), 'edited');
    await rm(join(directory.path, 'state-1', 'tls.key'));
    assert.deepEqual((await store.read(signal))?.data, { 'tls.crt': 'edited' });
  });

  it('fails if the path is not a directory, and leaves no files', async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'file');
    await writeFile(path, 'text');
    const store = createDirectoryStore(join(path, 'certs'));
    await assert.rejects(store.write({}, undefined, signal), {
      message: /^cannot write the certificate in .*file.certs: ENOTDIR.*; give user \d+ read and write access$/,
    });
    assert.equal(await readFile(path, 'utf8'), 'text');
  });

  it('calls the listener after changes', async () => {
    await using directory = await temporaryDirectory();
    const store = createDirectoryStore(join(directory.path, 'certs'));
    const changed = Promise.withResolvers<void>();
    using _watch = store.watch?.(changed.resolve);
    await chmod(join(directory.path, 'certs'), 0o700);
    await store.write({ 'tls.crt': 'a' }, undefined, signal);
    await changed.promise;
  });
});

test('publishing creates the file and its directory, and replaces the file atomically', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-bundle-'));
  const path = join(directory.path, 'certs', 'ca.crt');
  const publisher = publishToFile(path);
  assert.deepEqual((await publisher.read(signal)).bundles, ['']);
  for (const bundle of ['one', 'two']) {
    assert.equal(await (await publisher.read(signal)).replace(bundle, signal), 'written');
    assert.deepEqual((await publisher.read(signal)).bundles, [bundle]);
    assert.equal(await readFile(path, 'utf8'), bundle);
  }
  assert.deepEqual(await readdir(join(directory.path, 'certs')), ['ca.crt']);
});

test('a file that another process changed has a new version, and is not overwritten before it is read', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'kmt-bundle-'));
  const path = join(directory.path, 'ca.crt');
  const publisher = publishToFile(path);
  const absent = await publisher.read(signal);
  await writeFile(path, 'by hand');
  const edited = await publisher.read(signal);
  assert.notEqual(edited.version, absent.version);
  assert.equal(await absent.replace('ours', signal), 'conflict');
  await rm(path);
  assert.equal(await edited.replace('ours', signal), 'conflict');
  assert.equal(await absent.replace('ours', signal), 'written');
});
