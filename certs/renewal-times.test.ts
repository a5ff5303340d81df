// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTimeSpan, renewalSettings, systemClock } from './certificate-state.ts';

const dayMs = 86_400_000;

test('the defaults are a year, a renewal after two thirds of it, and an overlap of ten minutes', () => {
  assert.deepEqual(renewalSettings(), {
    lifetimeMs: 365 * dayMs,
    renewBeforeMs: (365 / 3) * dayMs,
    overlapMs: 600_000,
  });
});

test('by default, the renewal is a third of the given lifetime before its end', () => {
  assert.equal(renewalSettings({ lifetimeMs: 30 * dayMs }).renewBeforeMs, 10 * dayMs);
});

for (const given of [
  { lifetimeMs: 0 },
  { lifetimeMs: -1 },
  { lifetimeMs: Number.NaN },
  { lifetimeMs: 11 * 365 * dayMs },
  { lifetimeMs: 1_500_000, overlapMs: 500_000 },
  { overlapMs: -1 },
  { overlapMs: Number.NaN },
  { lifetimeMs: 10_000, renewBeforeMs: 9_500, overlapMs: 0 },
  // A successor would be due for renewal before it could be served.
  { lifetimeMs: 3_600_000, renewBeforeMs: 3_540_000 },
]) {
  test(`impossible times are refused: ${JSON.stringify(given)}`, () => {
    assert.throws(() => renewalSettings(given), RangeError);
  });
}

const clock = { wall: 1_000_000, steady: 50 };
const begin = () => createTimeSpan({ wallMs: () => clock.wall, steadyMs: () => clock.steady });

for (const [what, wall, steady, earliestMs, latestMs] of [
  ['is a single moment while both clocks agree', 1_000_500, 550, 1_000_500, 1_000_500],
  ['ends at the wall clock if that jumped ahead', 1_900_000, 550, 1_000_500, 1_900_000],
  ['begins at the wall clock if that was set back', 100, 550, 100, 1_000_500],
] as const) {
  test(`the time ${what}`, () => {
    Object.assign(clock, { wall: 1_000_000, steady: 50 });
    const now = begin();
    Object.assign(clock, { wall, steady });
    assert.deepEqual(now(), { earliestMs, latestMs });
  });
}

test('the real clocks of the machine agree with each other', () => {
  const { earliestMs, latestMs } = createTimeSpan(systemClock)();
  assert.ok(earliestMs <= latestMs && latestMs > Date.UTC(2020, 0));
});
