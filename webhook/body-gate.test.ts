// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBodyGate } from './body-gate.ts';

const MiB = 1024 * 1024;

describe('large bodies that come at once', () => {
  const enter = (lengths: readonly number[]) => {
    const gate = createBodyGate();
    const inside = new Map<number, () => void>();
    for (const [index, length] of lengths.entries()) gate.enter(length, (leave) => inside.set(index, leave));
    return { inside, turn: () => [...inside.keys()] };
  };

  it('wait in turn where they are too large together', () => {
    const { inside, turn } = enter([2 * MiB, 2 * MiB, 1 * MiB, 7 * MiB, 2 * MiB]);
    assert.deepEqual(turn(), [0, 1]);
    inside.get(1)?.();
    assert.deepEqual(turn(), [0, 1, 2]);
    inside.get(0)?.();
    assert.deepEqual(turn(), [0, 1, 2], 'the largest is next, and has to be alone');
    inside.get(2)?.();
    assert.deepEqual(turn(), [0, 1, 2, 3]);
    inside.get(3)?.();
    assert.deepEqual(turn(), [0, 1, 2, 3, 4]);
  });

  it('are counted out once, however often they leave', () => {
    const { inside, turn } = enter([4 * MiB, 2 * MiB, 2 * MiB, 2 * MiB]);
    for (let times = 0; times < 3; times += 1) inside.get(0)?.();
    assert.deepEqual(turn(), [0, 1, 2]);
  });
});
