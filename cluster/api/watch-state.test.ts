// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiObject } from './api-object.ts';
import { createWatchState } from './watch-state.ts';

const object = (name: string, labels = {}): ApiObject => ({ metadata: { name, labels } });

describe('the objects of a kind', () => {
  it('are the same as before where they are set to their equals', () => {
    const state = createWatchState();
    assert.equal(state.set(object('a', { x: '1' })), true);
    const before = state.objects.get('a');
    assert.equal(state.set(object('a', { x: '1' })), false);
    assert.equal(state.replace([object('a', { x: '1' })]), false);
    assert.equal(state.objects.get('a'), before);
    assert.equal(state.set(object('a', { x: '2' })), true);
    assert.notEqual(state.objects.get('a'), before);
  });

  it('are compared however deep they are nested', () => {
    const deep = (core: number) => JSON.parse(`${'{"a":['.repeat(20_000)}${core}${']}'.repeat(20_000)}`);
    const state = createWatchState();
    assert.equal(state.set(object('a', deep(1))), true);
    assert.equal(state.set(object('a', deep(1))), false);
    assert.equal(state.set(object('a', deep(2))), true);
  });

  it('lose what a new list lacks', () => {
    const state = createWatchState();
    for (const name of ['a', 'b', 'c']) state.set(object(name));
    assert.equal(state.replace([object('b'), object('d')]), true);
    assert.deepEqual([...state.objects.keys()].sort(), ['b', 'd']);
    assert.equal(state.replace([]), true);
    assert.equal(state.replace([]), false);
  });

  it('are deleted once', () => {
    const state = createWatchState();
    state.set(object('a'));
    assert.deepEqual([state.delete(object('a')), state.delete(object('a'))], [true, false]);
  });
});
