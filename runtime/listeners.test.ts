// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createListeners } from './listeners.ts';

test('a listener is called after each change until its scope ends', () => {
  const listeners = createListeners();
  let calls = 0;
  {
    using _scope = listeners.add(() => {
      calls += 1;
    });
    listeners.notify();
    listeners.notify();
  }
  listeners.notify();
  assert.equal(calls, 2);
});

test('a function that is added twice is called twice, and each scope ends one of them', () => {
  const listeners = createListeners();
  let calls = 0;
  const count = () => {
    calls += 1;
  };
  using _first = listeners.add(count);
  const second = listeners.add(count);
  listeners.notify();
  second[Symbol.dispose]();
  listeners.notify();
  assert.equal(calls, 3);
});

test('adding or removing a listener during a notification does not affect that notification', () => {
  const listeners = createListeners();
  const calls: string[] = [];
  const first = listeners.add(() => {
    calls.push('first');
    first[Symbol.dispose]();
    listeners.add(() => calls.push('late'));
  });
  listeners.add(() => calls.push('second'));
  listeners.notify();
  assert.deepEqual(calls, ['first', 'second']);
});

test('a listener that is removed during a change, or with all others, is not called any more', () => {
  const listeners = createListeners();
  const calls: string[] = [];
  listeners.add(() => {
    calls.push('first');
    second[Symbol.dispose]();
  });
  const second = listeners.add(() => calls.push('second'));
  listeners.notify();
  listeners.clear();
  listeners.notify();
  assert.deepEqual(calls, ['first']);
});

test('each listener gets the value, also after another one threw', () => {
  const errors: unknown[] = [];
  const listeners = createListeners<number>((thrown) => errors.push(thrown));
  const bug = new Error('a bug');
  listeners.add(() => {
    throw bug;
  });
  let sum = 0;
  listeners.add((value) => {
    sum += value;
  });
  listeners.notify(2);
  assert.deepEqual([sum, errors], [2, [bug]]);
});

test('without a handler, the error of a listener reaches the caller', () => {
  const listeners = createListeners();
  listeners.add(() => {
    throw new Error('a bug');
  });
  assert.throws(listeners.notify, /a bug/);
});
