// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
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
  return { other, take, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

test('what a process has is told with who it is and since when, and is not taken, whoever asks', async () => {
  await using here = await stage();
  const before = new Date().toISOString();
  await here.take('up', { pid: here.other.pid });
  for (const takesKept of [false, true]) {
    const [, since = ''] =
      (await here.take('tests', { takesKept }).then(
        () => assert.fail('it was taken'),
        ({ message }: Error) =>
          message.match(`^the cluster is in use by up, process ${here.other.pid}, since (\\S+): wait until .*`),
      )) ?? assert.fail('it does not say who has it');
    assert.ok(since >= before && since <= new Date().toISOString(), since);
  }
});

test('a claim ends with its process, and is no claim against the process itself', async () => {
  await using here = await stage();
  await here.take('tests', { pid: here.other.pid });
  await here.take('the next file of the tests', { pid: here.other.pid });
  await here.other.stop();
  await here.take('tests');
  await assert.rejects(here.take('up', { pid: process.ppid }), /in use by tests/);
});

test('what was kept is told as such, and only taken on purpose; what was given back is free', async () => {
  await using here = await stage();
  const claim = await here.take('up', { pid: here.other.pid });
  await claim.keep();
  await here.other.stop();
  await assert.rejects(here.take('tests'), /^Error: the cluster is up, and up made it for somebody .*: down ends it$/);
  const taken = await here.take('up', { takesKept: true });
  await taken.keep();
  await taken.release();
  await here.take('tests', { pid: process.ppid });
});
