// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOffMs } from './back-off.ts';

test('the wait doubles from 100 ms and stays at 5 s', () => {
  const waits = [1, 2, 3, 6, 7, 60, 2_000].map((failures) => backOffMs(failures, () => 0));
  assert.deepEqual(waits, [100, 200, 400, 3_200, 5_000, 5_000, 5_000]);
});

test('chance takes away up to half of it', () => {
  assert.equal(
    backOffMs(1, () => 0.5),
    75,
  );
  assert.equal(
    backOffMs(1, () => 1),
    50,
  );
});
