// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aboutNode } from './cluster-event.ts';
import { createStandingEvents, type StandingEvent } from './standing-events.ts';

function standing(key: string, note = key): StandingEvent {
  return {
    key,
    event: { type: 'Warning', reason: 'PolicyConflict', action: 'Plan', regarding: aboutNode('h1'), note },
  };
}

describe('what stands', () => {
  it('is told once it has stood for a while, and once', () => {
    const events = createStandingEvents(100);
    assert.deepEqual(events.look([standing('a')], 0), []);
    assert.equal(events.waitMs(40), 60);
    assert.deepEqual(events.look([standing('a')], 99), []);
    assert.deepEqual(
      events.look([standing('a', 'newest text')], 100).map(({ note }) => note),
      ['newest text'],
    );
    assert.deepEqual([events.look([standing('a', 'other text')], 1_000), events.waitMs(1_000)], [[], undefined]);
  });

  it('that came and went within that time is not told, and has to stand anew', () => {
    const events = createStandingEvents(100);
    events.look([standing('a')], 0);
    events.look([], 50);
    assert.equal(events.waitMs(50), undefined);
    assert.deepEqual(events.look([standing('a')], 100), []);
    assert.equal(events.look([standing('a')], 200).length, 1);
  });

  it('again after it was gone is told again', () => {
    const events = createStandingEvents(100);
    for (const at of [0, 100]) events.look([standing('a')], at);
    events.look([], 150);
    events.look([standing('a')], 200);
    assert.equal(events.look([standing('a')], 300).length, 1);
  });

  it('beside what was told waits for its own time', () => {
    const events = createStandingEvents(100);
    for (const at of [0, 100]) events.look([standing('a')], at);
    events.look([standing('a'), standing('b')], 120);
    assert.equal(events.waitMs(130), 90);
    assert.deepEqual(
      events.look([standing('a'), standing('b')], 220).map(({ note }) => note),
      ['b'],
    );
  });
});
