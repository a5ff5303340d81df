// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runInSlices } from './run-in-slices.ts';

function* work(order: string[]): Generator<undefined, number> {
  for (const slice of ['first', 'second', 'third']) {
    order.push(slice);
    yield;
  }
  return 3;
}

test('between two slices the event loop does what else is due', async () => {
  const order: string[] = [];
  const done = runInSlices(work(order));
  setImmediate(() => order.push('other'));
  assert.equal(await done, 3);
  assert.equal(order[0], 'first');
  assert.ok(order.indexOf('other') < order.indexOf('third'), order.join());
});

test('urgent work runs to its end at once', async () => {
  const order: string[] = [];
  const done = runInSlices(work(order), { isUrgent: () => true });
  assert.deepEqual(order, ['first', 'second', 'third']);
  assert.equal(await done, 3);
});

test('what the work throws is the error of the run', async () => {
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

test('work that is over is abandoned after the slice under way', async () => {
  const order: string[] = [];
  assert.equal(await runInSlices(work(order), { isOver: () => order.length === 2 }), undefined);
  assert.deepEqual(order, ['first', 'second']);
});
