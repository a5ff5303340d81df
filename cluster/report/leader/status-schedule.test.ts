// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createStatusSchedule } from './write-policy-statuses.ts';

/**
 * Writes whenever a write is due. Until `untilMs`, the status changes at every step. Returns the times of the writes.
 */
function writeWhileChanging(untilMs: number, stepMs = 100): readonly number[] {
  const turns = createStatusSchedule();
  const times: number[] = [];
  for (let nowMs = 0; nowMs <= untilMs + 60_000; nowMs += stepMs) {
    if (nowMs <= untilMs) turns.ask('p', nowMs);
    for (const policy of turns.take(nowMs)) {
      times.push(nowMs);
      turns.wrote(policy, nowMs);
    }
  }
  return times;
}

describe('the write of a status', () => {
  it('is due a second after the first change, and covers all changes until then', () => {
    assert.deepEqual(writeWhileChanging(900), [1_000]);
  });

  it('becomes less frequent while changes continue, and follows once after the last change', () => {
    assert.deepEqual(writeWhileChanging(60_000), [1_000, 3_000, 7_000, 15_000, 31_000, 47_000, 63_000]);
  });

  it('is soon again after a quiet time', () => {
    const turns = createStatusSchedule();
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 100) {
      turns.ask('p', nowMs);
      for (const policy of turns.take(nowMs)) turns.wrote(policy, nowMs);
    }
    turns.take(100_000);
    turns.ask('p', 200_000);
    assert.equal(turns.nextMs(), 201_000);
    turns.wrote('p', 201_000);
    turns.take(201_000);
    turns.ask('p', 201_100);
    assert.equal(turns.nextMs(), 203_000);
  });

  it('follows soon after the last node has reported, but not sooner than the shortest gap', () => {
    const turns = createStatusSchedule();
    for (let nowMs = 0; nowMs <= 20_000; nowMs += 100) {
      turns.ask('p', nowMs);
      for (const policy of turns.take(nowMs)) turns.wrote(policy, nowMs);
    }
    assert.equal(turns.nextMs(), 31_000);
    turns.hasten('p');
    assert.equal(turns.nextMs(), 17_000);
    assert.deepEqual(turns.take(20_100), ['p']);
    turns.wrote('p', 20_100);
    turns.ask('p', 20_200);
    turns.hasten('p');
    turns.hasten('p');
    assert.equal(turns.nextMs(), 22_100);
  });

  it('is scheduled separately for each policy', () => {
    const turns = createStatusSchedule();
    turns.ask('p', 0);
    turns.ask('q', 500);
    assert.deepEqual(turns.take(1_000), ['p']);
    assert.equal(turns.nextMs(), 1_500);
    assert.deepEqual(turns.take(1_500), ['q']);
    assert.equal(turns.nextMs(), undefined);
  });

  it('that failed is repeated after a wait that grows each time', () => {
    const turns = createStatusSchedule(() => 0);
    turns.ask('p', 0);
    const waits: number[] = [];
    let nowMs = 1_000;
    for (let tries = 0; tries < 9; tries += 1) {
      assert.deepEqual(turns.take(nowMs), ['p']);
      turns.failed('p', nowMs, false);
      waits.push((turns.nextMs() ?? 0) - nowMs);
      turns.hasten('p');
      nowMs = turns.nextMs() ?? 0;
    }
    assert.deepEqual(waits, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
    turns.forget('p');
    assert.equal(turns.nextMs(), undefined);
  });
});
