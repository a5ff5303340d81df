// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyedLock } from './keyed-lock.ts';

test('calls with a common key run one after the other, in their order; others do not wait', async () => {
  const lock = createKeyedLock();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run(['a', 'b'], async () => {
    log.push('first begins');
    await gate.promise;
    log.push('first ends');
  });
  const second = lock.run(['b', 'c'], async () => void log.push('second'));
  const third = lock.run(['c', 'a'], async () => void log.push('third'));
  await lock.run(['d'], async () => void log.push('other'));
  gate.resolve();
  await Promise.all([first, second, third]);
  assert.deepEqual(log, ['first begins', 'other', 'first ends', 'second', 'third']);
});

test('a call that fails lets the next one go on, and its error is its own', async () => {
  const lock = createKeyedLock();
  const failing = lock.run(['a'], () => Promise.reject(new Error('no')));
  const next = lock.run(['a', 'a'], async () => 7);
  await assert.rejects(failing, /no/);
  assert.equal(await next, 7);
});

test('a call whose signal ends while it waits is not run, and those behind it wait for those before it', async () => {
  const lock = createKeyedLock();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = lock.run(['a'], async () => {
    await gate.promise;
    log.push('first');
  });
  const impatient = new AbortController();
  const second = lock.run(['a', 'b'], async () => void log.push('second'), impatient.signal);
  const third = lock.run(['b'], async () => void log.push('third'), new AbortController().signal);
  impatient.abort(new Error('too long'));
  await assert.rejects(second, /too long/);
  await assert.rejects(
    lock.run(['c'], async () => void log.push('never'), impatient.signal),
    /too long/,
  );
  assert.equal(log.join(), '');
  gate.resolve();
  await Promise.all([first, third]);
  assert.equal(log.join(), 'first,third');
  await lock.run(['a', 'b', 'c'], async () => void log.push('last'));
  assert.equal(log.join(), 'first,third,last');
});
