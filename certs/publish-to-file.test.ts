// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { publishToFile } from './publish-to-file.ts';

const { signal } = new AbortController();

test('a bundle is published in a file that is made with its directory, and is replaced whole', async () => {
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

test('a file that somebody touched has another version, and is not written over unread', async () => {
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
