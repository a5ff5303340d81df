// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMet } from '../figure.ts';
import { describeRounds, type Round } from './describe-rounds.ts';

/** Returns a round in which every duration of a pod is different. */
function round(add: number): Round {
  return {
    onDisk: { add: [add], addAgain: [add + 1], del: [add + 2, add + 2] },
    inMemory: { add: [add / 2], addAgain: [add / 2], del: [add / 2] },
    bare: { create: [0.5], delete: [16], move: [20] },
    nothing: [0.1],
  };
}

test('the limits at the median are durations for one pod, and ratios to netlink requests for 20 pods at once', () => {
  const reached = (atOnce: number) =>
    describeRounds([round(3.5)], atOnce)
      .filter(({ reach }) => reach !== undefined)
      .map((figure) => [figure.title, figure.reach, isMet(figure)]);
  assert.deepEqual(reached(1), [
    ['CNI ADD through the shim, p50', { valueAtMost: 4 }, true],
    ['CNI ADD, sandbox recreated, p50', { valueAtMost: 4 }, false],
    ['CNI DEL through the shim, p50', { valueAtMost: 6 }, true],
  ]);
  assert.deepEqual(reached(8), []);
  assert.deepEqual(
    reached(20).map(([, ...reach]) => reach),
    [
      [{ ratioAtMost: 5 }, false],
      [{ ratioAtMost: 5 }, false],
      [{ ratioAtMost: 0.8 }, true],
    ],
  );
});

test('samples of all rounds are counted, and each figure has its comparison from the same rounds', () => {
  const figures = describeRounds([round(1), round(3), round(2)], 1);
  const of = (title: string) => {
    const { value, count, beside } = figures.find((figure) => figure.title === title) ?? {};
    return [value, count, beside?.value, beside?.count];
  };
  assert.deepEqual(of('CNI ADD through the shim, p50'), [2, 3, 0.5, 3]);
  assert.deepEqual(of('CNI ADD through the shim, p99'), [3, 3, 0.5, 3]);
  assert.deepEqual(of('CNI ADD, ledger in memory, p50'), [1, 3, 2, 3]);
  assert.deepEqual(of('CNI DEL through the shim, p50'), [4, 6, 16, 3]);
  assert.deepEqual(of('netlink move to a namespace, p50'), [20, 3, 0.5, 3]);
});
