// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type AnswerFrame, encodeFrame } from './frame.ts';
import { followPendingDels, processPendingDels } from './pending-dels.ts';

const tombstone = (containerID: string, command = 'DEL') =>
  encodeFrame({
    type: 'request',
    environment: new Map([
      ['CNI_COMMAND', command],
      ['CNI_CONTAINERID', containerID],
      ['CNI_IFNAME', 'net1'],
    ]),
    stdin: new Uint8Array(),
  });

/** Creates a directory of pending DELs, and records the IDs of the containers whose DELs were processed. */
async function makeFolder(answer: (containerID: string) => number = () => 0) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'kmt-tomb-'));
  const directory = join(folder.path, 'tombstones');
  const done: string[] = [];
  const failures: string[] = [];
  const news = new EventTarget();
  const handle = async ({
    environment,
  }: {
    readonly environment: ReadonlyMap<string, string>;
  }): Promise<AnswerFrame> => {
    const containerID = environment.get('CNI_CONTAINERID') ?? '';
    const exitCode = answer(containerID);
    if (exitCode === 0) done.push(containerID);
    news.dispatchEvent(new Event('asked'));
    const output = exitCode === 0 ? '' : JSON.stringify({ cniVersion: '1.0.0', code: exitCode, msg: 'no' });
    return { type: 'answer', exitCode: Math.min(exitCode, 1), output };
  };
  const options = {
    directory,
    handle,
    onFailure: ({ code }: Error & { readonly code: string }) => void failures.push(code),
  };
  return { directory, options, done, failures, news, [Symbol.asyncDispose]: () => folder.remove() };
}

test('no further pending DEL is processed after the signal has aborted, and the others remain', async () => {
  const enough = new AbortController();
  await using folder = await makeFolder((id) => {
    if (id === 'b') enough.abort();
    return 0;
  });
  await processPendingDels(folder.options);
  for (const id of ['a', 'b', 'c']) await writeFile(join(folder.directory, `${id}:net1`), tombstone(id));
  assert.equal(await processPendingDels({ ...folder.options, signal: enough.signal }), 2);
  assert.deepEqual([folder.done, await readdir(folder.directory)], [['a', 'b'], ['c:net1']]);
});

test('the unfinished file of a killed shim is removed when no shim can still be writing it', async () => {
  await using folder = await makeFolder();
  await processPendingDels(folder.options);
  const names = ['.a:net1.7', '.b:net1.8'];
  for (const name of names) await writeFile(join(folder.directory, name), 'half');
  await processPendingDels(folder.options);
  assert.deepEqual((await readdir(folder.directory)).toSorted(), names);
  const before = Date.now() / 1000 - 61;
  await utimes(join(folder.directory, '.a:net1.7'), before, before);
  await processPendingDels(folder.options);
  assert.deepEqual([await readdir(folder.directory), folder.failures], [['.b:net1.8'], []]);
});

test('each processed DEL is removed, and a failed one remains for the next attempt', async () => {
  let isFull = true;
  await using folder = await makeFolder((id) => (id === 'b' && isFull ? 11 : 0));
  assert.equal(await processPendingDels(folder.options), 0, 'the directory does not exist yet');
  for (const id of ['a', 'b', 'c']) await writeFile(join(folder.directory, `${id}:net1`), tombstone(id));
  assert.equal(await processPendingDels(folder.options), 2);
  assert.deepEqual([folder.done, await readdir(folder.directory)], [['a', 'c'], ['b:net1']]);
  isFull = false;
  assert.equal(await processPendingDels(folder.options), 1);
  assert.deepEqual([folder.done, await readdir(folder.directory)], [['a', 'c', 'b'], []]);
  assert.deepEqual(folder.failures, ['TombstoneFailed']);
});

test('a pending DEL that can never succeed is removed and reported', async () => {
  await using folder = await makeFolder((id) => ({ variables: 4, frame: 6 })[id] ?? 0);
  await processPendingDels(folder.options);
  for (const id of ['variables', 'frame', 'good']) {
    await writeFile(join(folder.directory, `${id}:net1`), tombstone(id));
  }
  assert.equal(await processPendingDels(folder.options), 1);
  assert.deepEqual([folder.done, await readdir(folder.directory)], [['good'], []]);
  assert.deepEqual(folder.failures, ['TombstoneFailed', 'TombstoneFailed']);
});

test('an invalid pending DEL is removed and logged, and an unfinished file remains', async () => {
  await using folder = await makeFolder();
  await processPendingDels(folder.options);
  for (const [name, bytes] of [
    ['empty', new Uint8Array()],
    ['half', tombstone('x').subarray(0, 30)],
    ['add', tombstone('x', 'ADD')],
    ['other', encodeFrame({ type: 'answer', exitCode: 0, output: '' })],
    ['.a:net1.77', tombstone('a')],
  ] as const) {
    await writeFile(join(folder.directory, name), bytes);
  }
  assert.equal(await processPendingDels(folder.options), 0);
  assert.deepEqual([folder.done, folder.failures], [[], Array(4).fill('TombstoneFailed')]);
  assert.deepEqual(await readdir(folder.directory), ['.a:net1.77']);
});

test('a DEL that is saved later is processed immediately', async () => {
  await using folder = await makeFolder();
  await processPendingDels(folder.options);
  await using _following = followPendingDels(folder.options, 60_000);
  const asked = new Promise((resolve) => folder.news.addEventListener('asked', resolve, { once: true }));
  await writeFile(join(folder.directory, '.late:net1.7'), tombstone('late'));
  await rename(join(folder.directory, '.late:net1.7'), join(folder.directory, 'late:net1'));
  await asked;
  assert.deepEqual(folder.done, ['late']);
});
