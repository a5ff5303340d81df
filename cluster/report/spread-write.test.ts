// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadMs } from './spread-write.ts';

const names = Array.from({ length: 5_000 }, (_, index) => `worker-${index}`);

test('the nodes of a large cluster write at about a thousand a second, within five seconds', () => {
  const seconds = new Map<number, number>();
  for (const name of names) {
    const ms = spreadMs(name, names.length);
    assert.ok(ms >= 0 && ms < 5_000, `${name}: ${ms}`);
    seconds.set(Math.floor(ms / 1_000), (seconds.get(Math.floor(ms / 1_000)) ?? 0) + 1);
  }
  assert.deepEqual([...seconds.keys()].toSorted(), [0, 1, 2, 3, 4]);
  for (const [second, count] of seconds) assert.ok(count > 850 && count < 1_150, `second ${second}: ${count}`);
});

test('a node has its own place, in half a second where there are few nodes or nobody knows, and in five at most', () => {
  const share = spreadMs('worker-1', 1_000) / 1_000;
  for (const nodes of [undefined, 0, 3, 500]) assert.equal(spreadMs('worker-1', nodes), share * 500);
  assert.equal(spreadMs('worker-1', 2_000), share * 2_000);
  assert.equal(spreadMs('worker-1', 1_000_000), share * 5_000);
  assert.notEqual(spreadMs('worker-2'), spreadMs('worker-1'));
});
