// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRateLimit } from './rate-limit.ts';

test('a burst passes, then as many calls as the rate allows; unused calls are saved only up to the burst', () => {
  let nowMs = 0;
  const mayPass = createRateLimit(100, 10, () => nowMs);
  const passed = (tries: number): number => Array.from({ length: tries }, mayPass).filter(Boolean).length;
  assert.equal(passed(40), 10);
  nowMs += 50;
  assert.equal(passed(40), 5);
  nowMs += 60_000;
  assert.equal(passed(40), 10);
});
