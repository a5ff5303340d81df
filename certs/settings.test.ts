// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewalSettings } from './settings.ts';

const dayMs = 86_400_000;

test('a certificate lives a year, is renewed after two thirds of it, and overlaps for ten minutes', () => {
  assert.deepEqual(renewalSettings(), {
    lifetimeMs: 365 * dayMs,
    renewBeforeMs: (365 / 3) * dayMs,
    overlapMs: 600_000,
  });
});

test('another lifetime has another last third', () => {
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
  // A successor would be due before it may be served.
  { lifetimeMs: 3_600_000, renewBeforeMs: 3_540_000 },
]) {
  test(`times that cannot work are refused: ${JSON.stringify(given)}`, () => {
    assert.throws(() => renewalSettings(given), RangeError);
  });
}
