// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interleave, timeMs } from './interleave.ts';

test('contenders take turns, and each keeps its own samples in order', async () => {
  const turns: string[] = [];
  const contender = (name: string) => async (round: number) => {
    turns.push(`${name}${round}`);
    return [round, round * 10];
  };
  const samples = await interleave({ rounds: 3 }, { a: contender('a'), b: contender('b') });
  assert.deepEqual(turns, ['a0', 'b0', 'a1', 'b1', 'a2', 'b2']);
  assert.deepEqual(samples, { a: [0, 0, 1, 10, 2, 20], b: [0, 0, 1, 10, 2, 20] });
});

test('one contender finishes before the next one begins', async () => {
  let running = 0;
  const contender = async () => {
    running += 1;
    await new Promise(setImmediate);
    const seen = running;
    running -= 1;
    return [seen];
  };
  assert.deepEqual(await interleave({ rounds: 2 }, { a: contender, b: contender }), { a: [1, 1], b: [1, 1] });
});

test('rounds that warm up are run and not counted', async () => {
  const rounds: number[] = [];
  const samples = await interleave(
    { rounds: 2, warmUp: 3 },
    {
      a: async (round) => {
        rounds.push(round);
        return [round];
      },
    },
  );
  assert.deepEqual(rounds, [0, 1, 2, 3, 4]);
  assert.deepEqual(samples.a, [3, 4]);
});

test('a contender that fails ends the comparison', async () => {
  const failing = interleave({ rounds: 2 }, { a: async () => [1], b: () => Promise.reject(new Error('no luck')) });
  await assert.rejects(failing, /no luck/);
});

test('timeMs waits until the measured work is done', async () => {
  let done = false;
  const ms = await timeMs(async () => {
    await new Promise(setImmediate);
    done = true;
  });
  assert.ok(done && ms >= 0);
});
