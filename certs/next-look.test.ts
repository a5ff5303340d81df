// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from './certificate-keeper.ts';
import { createLookPlan } from './next-look.ts';

const again: Outcome = { type: 'again' };
const failed: Outcome = { type: 'failed' };
const settled = (waitMs: number): Outcome => ({ type: 'settled', waitMs });
const pollMs = 60_000;
const planWith = (random: number) => createLookPlan(pollMs, () => random);

test('a calm replica looks when something is due, or when the poll says so, a quarter sooner by chance', () => {
  assert.deepEqual(planWith(0)(settled(5_000)), { waitMs: 5_000, mayBeEarlier: true });
  assert.deepEqual(planWith(0)(settled(1e9)), { waitMs: pollMs, mayBeEarlier: true });
  assert.deepEqual(planWith(1)(settled(1e9)), { waitMs: 45_000, mayBeEarlier: true });
});

test('nothing that is due at once, time and again, makes it a hot loop', () => {
  assert.equal(planWith(0)(settled(0)).waitMs, 20);
});

test('a few changes in a row are looked at soon, and many ever later', () => {
  const plan = planWith(0);
  const waits = Array.from({ length: 14 }, () => plan(again).waitMs);
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
  plan(settled(1));
  assert.equal(plan(again).waitMs, 0);
});

test('failures wait ever longer, half of it by chance, never beyond the poll, and deaf to news', () => {
  const plan = planWith(0);
  assert.deepEqual(
    Array.from({ length: 3 }, () => plan(failed)),
    [200, 400, 800].map((waitMs) => ({ waitMs, mayBeEarlier: false })),
  );
  plan(settled(1));
  assert.equal(plan(failed).waitMs, 200);
  assert.equal(planWith(1)(failed).waitMs, 100);
  assert.equal(createLookPlan(50, () => 0)(failed).waitMs, 50);
});
