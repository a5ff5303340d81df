// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import { startProcess } from './start-process.ts';

const writer = fileURLToPath(new URL('ledger-writer.ts', import.meta.url));
const open = (directory: string) => Ledger.open({ directory, nodeName: 'h1', onWarning: assert.fail });

test('a lock is refused to other processes with the name of its owner, and free at once when that is killed', async () => {
  await using state = await mkdtempDisposable(join(tmpdir(), 'kmt-lock-'));
  await using holder = startProcess({
    name: 'ledger holder',
    command: [process.execPath, writer, state.path, 'hold'],
  });
  // The holder starts a child, which outlives it. The child must not inherit the lock.
  const child = Number((await holder.waitForLine(/^child /)).split(' ')[1]);
  using scope = new DisposableStack();
  scope.defer(() => process.kill(child, 'SIGKILL'));
  await assert.rejects(open(state.path), {
    code: 'LedgerLocked',
    facts: { directory: state.path, holder: holder.pid },
    message: new RegExp(`is in use by process ${holder.pid} \\(.+\\); stop it, or choose another directory`),
  });
  holder.signal('SIGKILL');
  assert.equal((await holder.exit).signal, 'SIGKILL');
  await using ledger = await open(state.path);
  assert.deepEqual([ledger.entries(), await readdir(state.path)], [[], []]);
});

test('the lock of a process that ends normally is free', async () => {
  await using state = await mkdtempDisposable(join(tmpdir(), 'kmt-lock-'));
  await using holder = startProcess({
    name: 'ledger holder',
    command: [process.execPath, writer, state.path, 'one-by-one', 'a'],
  });
  assert.equal((await holder.exit).code, 0);
  await using ledger = await open(state.path);
  assert.equal(ledger.entries().length, 1);
});
