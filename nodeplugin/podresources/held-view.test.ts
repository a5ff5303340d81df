// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../../runtime/errors.ts';
import type { HeldDevices } from './held-devices.ts';
import { createHeldView } from './held-view.ts';

const away = new MacvtapError('PodResourcesSocketMissing', 'away');
const refused = new MacvtapError('PodResourcesUnavailable', 'refused');

function held(ids: readonly string[], more: Partial<HeldDevices> = {}): HeldDevices {
  const devices = new Map(ids.map((id) => [id, { resource: 'data', pods: [] }]));
  return { devices, complete: true, askedAtMs: 0, ...more };
}

test('nothing is known before the first good answer, and a failure keeps the last one', () => {
  const view = createHeldView();
  assert.deepEqual(view.state, { phase: 'unknown', ageMs: undefined, lastError: undefined });
  view.set(away);
  assert.deepEqual([view.state.phase, view.state.lastError, view.current], ['unknown', away, undefined]);
  const answer = held(['a']);
  view.set(answer);
  assert.deepEqual([view.state.phase, view.state.lastError], ['known', undefined]);
  view.set(away);
  assert.deepEqual([view.state.phase, view.state.lastError, view.current], ['stale', away, answer]);
  assert.ok(view.state.ageMs !== undefined && view.state.ageMs >= 0);
  view.set(held(['a'], { complete: false }));
  assert.equal(view.state.phase, 'partial');
});

test('listeners hear of what changed, and not of the same again', () => {
  const view = createHeldView();
  let told = 0;
  const subscription = view.onChange(() => {
    told += 1;
  });
  const steps: readonly (readonly [HeldDevices | MacvtapError, boolean])[] = [
    [away, true],
    [away, false],
    [refused, true],
    [held([]), true],
    [held([], { askedAtMs: 5 }), false],
    [held(['a']), true],
    [held(['a'], { complete: false }), true],
    [away, true],
    [held(['a']), true],
  ];
  for (const [news, isNew] of steps) {
    const before = told;
    view.set(news);
    assert.equal(told - before, isNew ? 1 : 0);
  }
  subscription[Symbol.dispose]();
  view.set(away);
  assert.equal(told, steps.filter(([, isNew]) => isNew).length);
});
