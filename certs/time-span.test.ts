// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimeSpan, systemClock } from './time-span.ts';

const clock = { wall: 1_000_000, steady: 50 };
const begin = () => createTimeSpan({ wallMs: () => clock.wall, steadyMs: () => clock.steady });

for (const [what, wall, steady, earliestMs, latestMs] of [
  ['is a point while both clocks agree', 1_000_500, 550, 1_000_500, 1_000_500],
  ['reaches to the wall clock when that jumped ahead', 1_900_000, 550, 1_000_500, 1_900_000],
  ['reaches back to the wall clock when that was set back', 100, 550, 100, 1_000_500],
] as const) {
  test(`the time ${what}`, () => {
    Object.assign(clock, { wall: 1_000_000, steady: 50 });
    const now = begin();
    Object.assign(clock, { wall, steady });
    assert.deepEqual(now(), { earliestMs, latestMs });
  });
}

test("the machine's own clocks agree with each other", () => {
  const { earliestMs, latestMs } = createTimeSpan(systemClock)();
  assert.ok(earliestMs <= latestMs && latestMs > Date.UTC(2020, 0));
});
