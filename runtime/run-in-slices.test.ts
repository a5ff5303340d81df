// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInSlices } from './pause.ts';

function* work(order: string[]): Generator<undefined, number> {
  for (const slice of ['first', 'second', 'third']) {
    order.push(slice);
    yield;
  }
  return 3;
}

test('other events are handled between two slices', async () => {
  const order: string[] = [];
  const done = runInSlices(work(order));
  setImmediate(() => order.push('other'));
  assert.equal(await done, 3);
  assert.equal(order[0], 'first');
  assert.ok(order.indexOf('other') < order.indexOf('third'), order.join());
});

test('urgent work runs to its end without a break', async () => {
  const order: string[] = [];
  const done = runInSlices(work(order), { isUrgent: () => true });
  assert.deepEqual(order, ['first', 'second', 'third']);
  assert.equal(await done, 3);
});

test('an error in the work rejects the run', async () => {
  await assert.rejects(
    runInSlices(
      // biome-ignore lint/correctness/useYield: it fails before its first slice ends
      (function* fail(): Generator<undefined, number> {
        throw new Error('a bug');
      })(),
    ),
    /a bug/,
  );
});

test('work that is no longer needed is abandoned after the current slice', async () => {
  const order: string[] = [];
  assert.equal(await runInSlices(work(order), { isOver: () => order.length === 2 }), undefined);
  assert.deepEqual(order, ['first', 'second']);
});
