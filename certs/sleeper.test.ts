// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSleeper } from './sleeper.ts';

/** Longer than any test may take: whoever sleeps it out fails by that. */
const nightMs = 3_600_000;

test('a sleep ends after its time', async () => {
  await createSleeper(new AbortController().signal).sleep(1);
});

test('a wake-up ends a sleep, also one that came before it', async () => {
  const sleeper = createSleeper(new AbortController().signal);
  const sleep = sleeper.sleep(nightMs);
  sleeper.wake();
  await sleep;
  sleeper.wake();
  sleeper.wake();
  await sleeper.sleep(nightMs);
});

test('a wake-up ends no sleep that is to be slept through, and is heard by then', async () => {
  const sleeper = createSleeper(new AbortController().signal);
  const order: string[] = [];
  const through = sleeper.sleepThrough(20).then(() => order.push('through'));
  sleeper.wake();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(order.length, 0);
  await through;
  const next = sleeper.sleep(nightMs).then(() => order.push('next'));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(order, ['through']);
  sleeper.wake();
  await next;
});

test('the end of the scope ends every sleep', async () => {
  const scope = new AbortController();
  const sleeper = createSleeper(scope.signal);
  const sleep = sleeper.sleepThrough(nightMs);
  scope.abort();
  await sleep;
  await sleeper.sleep(nightMs);
  await sleeper.sleepThrough(nightMs);
});
