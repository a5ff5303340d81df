// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProcess } from '../process/start-process.ts';
import { type ClaimOptions, takeClaim } from './take-claim.ts';

async function stage() {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'kmt-claim-')));
  const other = undo.use(startProcess({ name: 'other', command: ['sleep', '600'] }));
  const take = (what: string, more: Partial<ClaimOptions> = {}) =>
    takeClaim({ folder: join(path, 'claim'), what, claimed: 'the cluster', remedy: 'down', takesKept: false, ...more });
  const scope = undo.move();
  return { other, take, folder: join(path, 'claim'), [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

test('rejects a claim that a running process has, with its name, process ID and start time, even with takesKept', async () => {
  await using here = await stage();
  const before = new Date().toISOString();
  await here.take('up', { pid: here.other.pid });
  for (const takesKept of [false, true]) {
    const [, since = ''] =
      (await here.take('tests', { takesKept }).then(
        () => assert.fail('it was taken'),
        ({ message }: Error) =>
          message.match(`^the cluster is in use by up, process ${here.other.pid}, since (\\S+): wait until .*`),
      )) ?? assert.fail('the error names no start time');
    assert.ok(since >= before && since <= new Date().toISOString(), since);
  }
});

test('a claim ends with its process, and the same process may claim again', async () => {
  await using here = await stage();
  await here.take('tests', { pid: here.other.pid });
  await here.take('the next file of the tests', { pid: here.other.pid });
  await here.other.stop();
  await here.take('tests');
  await assert.rejects(here.take('up', { pid: process.ppid }), /in use by tests/);
});

test('a kept claim is rejected with its owner unless takesKept is set; a released claim is free', async () => {
  await using here = await stage();
  const claim = await here.take('up', { pid: here.other.pid });
  await claim.keep();
  await here.other.stop();
  await assert.rejects(here.take('tests'), /^Error: the cluster is up: up kept it \(.*\)\. down ends it$/);
  const taken = await here.take('up', { takesKept: true });
  await taken.keep();
  await taken.release();
  assert.ok(!existsSync(here.folder), 'nothing is left');
  await here.take('tests', { pid: process.ppid });
});
