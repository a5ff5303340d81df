// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { countFailures, rememberFailures } from './back-off.ts';

const lasting = 60_000;
const refusal = (status: number) => new MacvtapError('ApiServerRefused', `status ${status}`, { facts: { status } });

test('a long watch that ended normally restarts at once', () => {
  const failures = rememberFailures();
  assert.equal(failures.ended(lasting, undefined), undefined);
  assert.equal(failures.ended(1, undefined)?.isConcern, false);
  assert.equal(failures.ended(lasting, undefined), undefined);
});

test('the second failure in a row is reported, a 410 only the fourth time, and a bug the first time', () => {
  const concerns = (error: MacvtapError, times: number) => {
    const failures = rememberFailures();
    return Array.from({ length: times }, () => failures.ended(1, error)?.isConcern);
  };
  assert.deepEqual(concerns(refusal(503), 2), [false, true]);
  assert.deepEqual(concerns(refusal(410), 4), [false, false, false, true]);
  assert.deepEqual(concerns(new MacvtapError('Unexpected', 'a bug'), 1), [true]);
});

test('dropped versions (410) after an outage are counted separately from the outage', () => {
  const failures = rememberFailures();
  for (let i = 0; i < 5; i += 1) failures.ended(1, refusal(503));
  const forgotten = failures.ended(1, refusal(410));
  assert.equal(forgotten?.isConcern, false);
  assert.ok(forgotten.waitMs <= 200, `waits ${forgotten.waitMs} ms, as after a first failure`);
});

test('long watches that end with an expired version (410) do not count as failures in a row', () => {
  const failures = rememberFailures();
  for (let i = 0; i < 6; i += 1) {
    const ended = failures.ended(lasting, refusal(410));
    assert.equal(ended?.isConcern, false, `after ${i + 1}`);
    assert.ok(ended.waitMs <= 200, `waits ${ended.waitMs} ms, as after a first failure`);
  }
});

test('the wait is at least the Retry-After of the server', () => {
  const error = new MacvtapError('ApiServerRefused', 'busy', { facts: { status: 429, retryAfterMs: 4_000 } });
  assert.ok((rememberFailures().ended(1, error)?.waitMs ?? 0) >= 4_000);
});

describe('failures in a row', () => {
  const rows = [
    {
      title: 'are 0 after a long watch that ended normally',
      before: 7,
      run: { lastedMs: 5_000, failed: false },
      after: 0,
    },
    {
      title: 'are 1 after a long watch that broke',
      before: 7,
      run: { lastedMs: 60_000, failed: true },
      after: 1,
    },
    { title: 'increase after an immediate error', before: 7, run: { lastedMs: 3, failed: true }, after: 8 },
    {
      title: 'increase after a watch that ended at once, even without an error',
      before: 0,
      run: { lastedMs: 3, failed: false },
      after: 1,
    },
  ] as const;
  for (const { title, before, run, after } of rows) {
    it(title, () => assert.equal(countFailures(before, run), after));
  }
});
