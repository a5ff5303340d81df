// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeyedMutex, createSemaphore, createSingleFlight } from './locks.ts';

test('calls with a common key run one after the other, in order; other calls do not wait', async () => {
  const lock = createKeyedMutex();
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

test('after a call fails, the next one runs and does not get the error', async () => {
  const lock = createKeyedMutex();
  const failing = lock.run(['a'], () => Promise.reject(new Error('no')));
  const next = lock.run(['a', 'a'], async () => 7);
  await assert.rejects(failing, /no/);
  assert.equal(await next, 7);
});

test('a waiting call whose signal aborts does not run, and later calls still wait for earlier ones', async () => {
  const lock = createKeyedMutex();
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

test('a semaphore limits how many calls run at once; the others follow in order, also after a failure', async () => {
  const semaphore = createSemaphore(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const entered: number[] = [];
  const results = gates.map((gate, i) =>
    semaphore.run(async () => {
      entered.push(i);
      await gate.promise;
      return i;
    }),
  );
  const settled = Promise.allSettled(results);
  await Promise.resolve();
  assert.deepEqual(entered, [0, 1]);
  gates[1]?.reject(new Error('no'));
  await assert.rejects(results[1] as Promise<number>);
  assert.deepEqual(entered, [0, 1, 2]);
  gates[0]?.resolve();
  await results[0];
  for (const gate of gates) gate.resolve();
  const outcomes = await settled;
  assert.deepEqual(entered, [0, 1, 2, 3, 4]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  // Both places are free again, so these two calls run at once.
  assert.deepEqual(await Promise.all([semaphore.run(async () => 'a'), semaphore.run(async () => 'b')]), ['a', 'b']);
});

/** Creates calls that end when the test decides. */
function stage(rest?: () => Promise<void>) {
  const flight = createSingleFlight<number>(rest);
  const begun: { readonly key: string; readonly result: PromiseWithResolvers<number> }[] = [];
  const call = (key: string) =>
    flight.call(key, () => {
      const result = Promise.withResolvers<number>();
      begun.push({ key, result });
      return result.promise;
    });
  return { flight, begun, call };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test('concurrent calls with the same key become one call', async () => {
  const { begun, call } = stage();
  const all = Promise.all([call('a'), call('a')]);
  await turn();
  assert.equal(begun.length, 1);
  begun[0]?.result.resolve(1);
  assert.deepEqual(await all, [1, 1]);
});

test('a call that arrives while another one runs starts after that one has ended or failed', async () => {
  const { begun, call, flight } = stage();
  const first = call('a');
  await turn();
  assert.equal(flight.waiting('a'), undefined);
  const second = call('a');
  assert.equal(flight.waiting('a'), second);
  await turn();
  assert.equal(begun.length, 1);
  begun[0]?.result.reject(new Error('refused'));
  await assert.rejects(first, /refused/);
  await turn();
  begun[1]?.result.resolve(2);
  assert.equal(await second, 2);
});

test('different keys do not wait for each other', async () => {
  const { begun, call } = stage();
  const all = Promise.all([call('a'), call('b')]);
  await turn();
  assert.deepEqual(
    begun.map(({ key }) => key),
    ['a', 'b'],
  );
  for (const { result } of begun) result.resolve(1);
  await all;
});

test('a call that throws synchronously rejects, and the next one starts', async () => {
  const { flight } = stage();
  const failing = flight.call('a', () => {
    throw new Error('at once');
  });
  await assert.rejects(failing, /at once/);
  assert.equal(await flight.call('a', async () => 2), 2);
});

test('`rest` runs between two calls with the same key', async () => {
  const rest = Promise.withResolvers<void>();
  const { begun, call, flight } = stage(() => rest.promise);
  const first = call('a');
  await turn();
  begun[0]?.result.resolve(1);
  await first;
  void call('a').catch(() => undefined);
  await turn();
  assert.equal(begun.length, 1);
  rest.resolve();
  await turn();
  begun[1]?.result.resolve(2);
  await flight.idle('a');
  assert.equal(begun.length, 2);
});
