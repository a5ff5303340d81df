// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilAborted } from './until-aborted.ts';

test('whoever waits for a signal hears of its end once it came, and at once when it had come before', async () => {
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
