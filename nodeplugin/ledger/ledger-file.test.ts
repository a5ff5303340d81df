// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setAside } from './ledger-file.ts';

const temporaryDirectory = () => mkdtempDisposable(join(tmpdir(), 'kmt-aside-'));

/** Replaces the file with a new one, so that the name refers to another file afterwards. */
async function replace(path: string, content: string): Promise<void> {
  await unlink(path).catch(() => undefined);
  await writeFile(path, content);
}

test('the five newest broken files are kept, with increasing numbers', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'ledger.json');
  for (let number = 1; number <= 12; number += 1) {
    await replace(path, `content ${number}`);
    assert.equal(await setAside(path), `${path}.broken-${number}`);
  }
  assert.deepEqual((await readdir(directory.path)).sort(), [
    'ledger.json',
    ...[10, 11, 12, 8, 9].map((number) => `ledger.json.broken-${number}`),
  ]);
  assert.equal(await readFile(`${path}.broken-8`, 'utf8'), 'content 8');
});

test('a file that is already set aside is not set aside again', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'ledger.json');
  await replace(path, 'broken');
  assert.equal(await setAside(path), await setAside(path));
  assert.deepEqual((await readdir(directory.path)).sort(), ['ledger.json', 'ledger.json.broken-1']);
});

test('files whose names the ledger does not use are not removed', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'ledger.json');
  const others = ['ledger.json.broken-', 'ledger.json.broken-01', 'ledger.json.broken-x', 'ledger.json.broken-1.bak'];
  for (const name of others) await writeFile(join(directory.path, name), '');
  await replace(path, 'broken');
  await setAside(path);
  assert.deepEqual((await readdir(directory.path)).sort(), ['ledger.json', 'ledger.json.broken-1', ...others].sort());
});

test('the error names the file', async () => {
  await assert.rejects(setAside('/nonexistent/ledger.json'), {
    code: 'FileNotWritten',
    message: /^cannot write \/nonexistent\/ledger.json.broken-<n>: no such file or directory/,
  });
});
