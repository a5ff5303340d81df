// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBudgets, readDeadlines } from './read-deadlines.ts';

test('an answer has half of what the API server waits, and its look-ups never more than a second of it', () => {
  const cases: Readonly<Record<string, readonly [lookupMs: number, answerMs: number]>> = {
    '10s': [1_000, 5_000],
    '1s': [500, 500],
    '500ms': [250, 250],
    '1m0s': [1_000, 30_000],
    '1.5s': [750, 750],
    '0.5s': [250, 250],
    '1h1m1s': [1_000, 1_830_500],
  };
  for (const [timeout, [lookupMs, answerMs]] of Object.entries(cases)) {
    assert.deepEqual(readBudgets(timeout), { lookupMs, answerMs }, timeout);
  }
});

test('what is no duration counts as the default of 10 s', () => {
  for (const odd of [undefined, '', '0s', '-1s', '10', 's', '1e9s', ['1s', '2s'], {}, 7, '9'.repeat(99)]) {
    assert.deepEqual(readBudgets(odd), { lookupMs: 1_000, answerMs: 5_000 });
  }
});

test('the timer is made once, when it is first asked for', () => {
  const { lookups } = readDeadlines('10s', performance.now());
  assert.equal(lookups(), lookups());
  assert.ok(!lookups().aborted);
});

test('an answer is due when its half is over, whatever became of the look-ups', () => {
  let nowMs = 1_000;
  const { isDue } = readDeadlines('10s', nowMs, () => nowMs);
  assert.equal(isDue(), false);
  nowMs += 4_999;
  assert.equal(isDue(), false);
  nowMs += 1;
  assert.equal(isDue(), true);
});
