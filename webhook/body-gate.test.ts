// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBodyGate } from './body-gate.ts';

const MiB = 1024 * 1024;

describe('large bodies that come at once', () => {
  const enter = (lengths: readonly number[]) => {
    const gate = createBodyGate();
    const inside = new Map<number, () => void>();
    const places = lengths.map((length, index) => gate.enter(length, (leave) => inside.set(index, leave)));
    return { gate, inside, places, turn: () => [...inside.keys()] };
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

  it('are dropped where they are given up before their turn, and those behind them go on', () => {
    const { inside, places, turn } = enter([3 * MiB, 7 * MiB, 1 * MiB, 2 * MiB]);
    assert.deepEqual(turn(), [0]);
    for (let times = 0; times < 2; times += 1) places[1]?.();
    assert.deepEqual(turn(), [0, 2]);
    inside.get(0)?.();
    assert.deepEqual(turn(), [0, 2, 3]);
  });

  it('wait up to 32 Mi together, and what leaves makes room for others', () => {
    const { gate, inside, places, turn } = enter([7 * MiB, 7 * MiB, 7 * MiB, 7 * MiB, 7 * MiB, 5 * MiB, 4 * MiB]);
    assert.deepEqual(
      places.map((place) => place !== undefined),
      [true, true, true, true, true, false, true],
    );
    const enterOne = (length: number) => gate.enter(length, () => undefined) !== undefined;
    assert.equal(enterOne(1), false);
    places[2]?.();
    assert.deepEqual([enterOne(7 * MiB + 1), enterOne(7 * MiB), enterOne(1)], [false, true, false]);
    inside.get(0)?.();
    assert.deepEqual([turn(), enterOne(7 * MiB)], [[0, 1], true]);
  });
});
