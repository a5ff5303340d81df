// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackOff, createSleeper } from './pause.ts';

/** Longer than the time limit of any test, so that a test that really sleeps this long fails. */
const nightMs = 3_600_000;

test('a sleep ends after its time', async () => {
  await createSleeper(new AbortController().signal).sleep(1);
});

test('a wake-up ends a sleep, even if the wake-up came before the sleep', async () => {
  const sleeper = createSleeper(new AbortController().signal);
  const sleep = sleeper.sleep(nightMs);
  sleeper.wake();
  await sleep;
  sleeper.wake();
  sleeper.wake();
  await sleeper.sleep(nightMs);
});

test('a wake-up does not end sleepThrough, and does not end the next sleep either', async () => {
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

test('aborting the signal ends every sleep', async () => {
  const scope = new AbortController();
  const sleeper = createSleeper(scope.signal);
  const sleep = sleeper.sleepThrough(nightMs);
  scope.abort();
  await sleep;
  await sleeper.sleep(nightMs);
  await sleeper.sleepThrough(nightMs);
});

const backOffMs = createBackOff({ firstMs: 100, longestMs: 5_000 });

test('the wait doubles from the first to the longest, for any number of failures', () => {
  const waits = [1, 2, 3, 6, 7, 60, 2_000].map((failures) => backOffMs(failures, () => 0));
  assert.deepEqual(waits, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
});

test('a random part of up to half is subtracted', () => {
  assert.equal(
    backOffMs(1, () => 0.5),
    75,
  );
  assert.equal(
    backOffMs(1, () => 1),
    50,
  );
});
