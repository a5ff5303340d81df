// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurnstile } from './turnstile.ts';

test('so many are inside at once and no more, the others in their order, also after one that failed', async () => {
  const turnstile = createTurnstile(2);
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const entered: number[] = [];
  const results = gates.map((gate, i) =>
    turnstile.run(async () => {
      entered.push(i);
      await gate.promise;
      return i;
    }),
  );
  const settled = Promise.allSettled(results);
  await Promise.resolve();
  assert.deepEqual(entered, [0, 1]);
  gates[1]?.reject(new Error('no'));
  await assert.rejects(results[1] as Promise<number>);
  assert.deepEqual(entered, [0, 1, 2]);
  gates[0]?.resolve();
  await results[0];
  for (const gate of gates) gate.resolve();
  const outcomes = await settled;
  assert.deepEqual(entered, [0, 1, 2, 3, 4]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'fulfilled'],
  );
  // Places came back: two may enter at once again.
  assert.deepEqual(await Promise.all([turnstile.run(async () => 'a'), turnstile.run(async () => 'b')]), ['a', 'b']);
});
