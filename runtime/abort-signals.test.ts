// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { joinSignals, untilAborted } from './abort-signals.ts';

test('untilAborted resolves when the signal aborts, and at once if it has already aborted', async () => {
  const scope = new AbortController();
  let isOver = false;
  const waiting = untilAborted(scope.signal).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  assert.equal(isOver, false);
  scope.abort(new Error('the process ends'));
  await waiting;
  await untilAborted(scope.signal);
});

test('a joined signal aborts with the first of the others, and has its reason', () => {
  for (const first of [0, 1]) {
    const others = [new AbortController(), new AbortController()];
    using joined = joinSignals(others.map(({ signal }) => signal));
    others[first]?.abort('first');
    others[1 - first]?.abort('second');
    assert.deepEqual([joined.signal.reason, joined.isTimedOut], ['first', false]);
  }
});

test('if a signal has already aborted, the joined signal aborts at once and ignores the timeout', async () => {
  using joined = joinSignals([new AbortController().signal, AbortSignal.abort('before')], 1);
  assert.equal(joined.signal.reason, 'before');
  await sleep(5);
  assert.deepEqual([joined.signal.reason, joined.isTimedOut], ['before', false]);
});

test('a joined signal aborts after its timeout and reports that, or when `abort` is called', async () => {
  using joined = joinSignals([], 1);
  while (!joined.signal.aborted) await sleep(1);
  assert.deepEqual([joined.isTimedOut, joined.signal.reason.name], [true, 'TimeoutError']);
  using other = joinSignals([], 60_000);
  other.abort('by hand');
  assert.deepEqual([other.isTimedOut, other.signal.reason], [false, 'by hand']);
});

test('after its scope ends, a joined signal ignores the other signal, and leaves no listener on it', async () => {
  const other = new AbortController();
  const joined = joinSignals([other.signal], 1);
  assert.equal(getEventListeners(other.signal, 'abort').length, 1);
  joined[Symbol.dispose]();
  assert.equal(getEventListeners(other.signal, 'abort').length, 0);
  other.abort();
  await sleep(5);
  assert.equal(joined.signal.aborted, false);
});
