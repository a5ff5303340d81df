// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import { rememberFailures } from './watch-failures.ts';

const lasting = 60_000;
const refusal = (status: number) => new MacvtapError('ApiServerRefused', `status ${status}`, { facts: { status } });

test('a watch that lasted and only ended is begun again at once', () => {
  const failures = rememberFailures();
  assert.equal(failures.ended(lasting, undefined), undefined);
  assert.equal(failures.ended(1, undefined)?.isConcern, false);
  assert.equal(failures.ended(lasting, undefined), undefined);
});

test('the second failure in a row is a concern, a forgotten version only the fourth, a bug the first', () => {
  const concerns = (error: MacvtapError, times: number) => {
    const failures = rememberFailures();
    return Array.from({ length: times }, () => failures.ended(1, error)?.isConcern);
  };
  assert.deepEqual(concerns(refusal(503), 2), [false, true]);
  assert.deepEqual(concerns(refusal(410), 4), [false, false, false, true]);
  assert.deepEqual(concerns(new MacvtapError('Unexpected', 'a bug'), 1), [true]);
});

test('versions that were forgotten while the server was away are counted by themselves', () => {
  const failures = rememberFailures();
  for (let i = 0; i < 5; i += 1) failures.ended(1, refusal(503));
  const forgotten = failures.ended(1, refusal(410));
  assert.equal(forgotten?.isConcern, false);
  assert.ok(forgotten.waitMs <= 200, `waits ${forgotten.waitMs} ms, as after a first failure`);
});

test('watches that each lasted until their version was forgotten are no row, and the next begins soon', () => {
  const failures = rememberFailures();
  for (let i = 0; i < 6; i += 1) {
    const ended = failures.ended(lasting, refusal(410));
    assert.equal(ended?.isConcern, false, `after ${i + 1}`);
    assert.ok(ended.waitMs <= 200, `waits ${ended.waitMs} ms, as after a first failure`);
  }
});

test('what the server asked for is waited for', () => {
  const error = new MacvtapError('ApiServerRefused', 'busy', { facts: { status: 429, retryAfterMs: 4_000 } });
  assert.ok((rememberFailures().ended(1, error)?.waitMs ?? 0) >= 4_000);
});
