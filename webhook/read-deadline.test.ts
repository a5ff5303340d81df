// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lookupBudget, readDeadline } from './read-deadline.ts';

test('look-ups have half of what the API server waits, and never more than a second', () => {
  const cases: Readonly<Record<string, number>> = {
    '10s': 1_000,
    '1s': 500,
    '500ms': 250,
    '1m0s': 1_000,
    '1.5s': 750,
    '0.5s': 250,
    '1h1m1s': 1_000,
  };
  for (const [timeout, ms] of Object.entries(cases)) assert.equal(lookupBudget(timeout), ms, timeout);
});

test('what is no duration counts as the default of 10 s', () => {
  for (const odd of [undefined, '', '0s', '-1s', '10', 's', '1e9s', ['1s', '2s'], {}, 7, '9'.repeat(99)]) {
    assert.equal(lookupBudget(odd), 1_000);
  }
});

test('the timer is made once, when it is first asked for', () => {
  const deadline = readDeadline('10s');
  assert.equal(deadline(), deadline());
  assert.ok(!deadline().aborted);
});
