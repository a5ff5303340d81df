// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ApiObject } from './api-resource.ts';
import { createWatchState, followVersion } from './watch-state.ts';

const object = (name: string, labels = {}): ApiObject => ({ metadata: { name, labels } });

describe('the objects of a kind', () => {
  it('keep their identity if they are set to equal values', () => {
    const state = createWatchState();
    assert.equal(state.set(object('a', { x: '1' })), true);
    const before = state.objects.get('a');
    assert.equal(state.set(object('a', { x: '1' })), false);
    assert.equal(state.replace([object('a', { x: '1' })]), false);
    assert.equal(state.objects.get('a'), before);
    assert.equal(state.set(object('a', { x: '2' })), true);
    assert.notEqual(state.objects.get('a'), before);
  });

  it('are compared at any depth', () => {
    const deep = (core: number) => JSON.parse(`${'{"a":['.repeat(20_000)}${core}${']}'.repeat(20_000)}`);
    const state = createWatchState();
    assert.equal(state.set(object('a', deep(1))), true);
    assert.equal(state.set(object('a', deep(1))), false);
    assert.equal(state.set(object('a', deep(2))), true);
  });

  it('are deleted if a new list does not contain them', () => {
    const state = createWatchState();
    for (const name of ['a', 'b', 'c']) state.set(object(name));
    assert.equal(state.replace([object('b'), object('d')]), true);
    assert.deepEqual([...state.objects.keys()].sort(), ['b', 'd']);
    assert.equal(state.replace([]), true);
    assert.equal(state.replace([]), false);
  });

  it('report a change only for the first deletion', () => {
    const state = createWatchState();
    state.set(object('a'));
    assert.deepEqual([state.delete(object('a')), state.delete(object('a'))], [true, false]);
  });
});

function listed(version: string) {
  const followed = followVersion();
  followed.listed(version);
  return followed;
}

describe('the version to watch from', () => {
  it('is that of the list, and then that of the last event or bookmark, even if it is repeated', () => {
    const version = listed('9');
    assert.equal(version.current, '9');
    for (const heard of ['10', '10', '100', '99999999999999999999', '100000000000000000000']) {
      assert.ok(version.advance(heard), heard);
      assert.equal(version.current, heard);
    }
  });

  it('is dropped after an event with an older version', () => {
    for (const [before, after] of [
      ['100', '99'],
      ['100000000000000000001', '100000000000000000000'],
    ] as const) {
      const version = listed(before);
      assert.ok(!version.advance(after));
      assert.equal(version.current, undefined);
    }
  });

  it('is not compared if it is not a number', () => {
    const version = listed('b');
    for (const heard of ['a', '1', 'c']) assert.ok(version.advance(heard));
    assert.equal(version.current, 'c');
  });

  const refusals = [
    { statuses: [401, 403, 429, 502, 503, 503, 429], stays: true },
    { statuses: [410], stays: false },
    { statuses: [400], stays: false },
    { statuses: [500], stays: true },
    { statuses: [500, 504], stays: false },
    { statuses: [504, 503, 504], stays: false },
  ];
  for (const { statuses, stays } of refusals) {
    it(`${stays ? 'stays' : 'is dropped'} after ${statuses.join(', ')}`, () => {
      const version = listed('7');
      for (const status of statuses) version.refused(status);
      assert.equal(version.current, stays ? '7' : undefined);
    });
  }

  it('has no ambiguous failures after an event', () => {
    const version = listed('7');
    version.refused(500);
    version.advance('8');
    version.refused(500);
    assert.equal(version.current, '8');
  });

  it('is dropped after a silent watch', () => {
    const version = listed('7');
    version.wasSilent();
    assert.equal(version.current, undefined);
  });
});
