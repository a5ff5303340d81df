// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeNodes, groupNodes, nameNodes, nodeArguments } from './node-scheduling.ts';

const many = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);

test('groupNodes groups items by key, with each node once in natural order', () => {
  const items = ['n10 a', 'n2 a', 'n1 b', 'n2 a'].map((text) => ({ node: text.slice(0, -2), why: text.slice(-1) }));
  assert.deepEqual(
    groupNodes(items, ({ why }) => why).map(({ first, nodes }) => [first.why, nodes]),
    [
      ['a', ['n2', 'n10']],
      ['b', ['n1']],
    ],
  );
});

test('up to three nodes are listed by name, more are counted', () => {
  assert.equal(describeNodes(['h1', 'h2', 'h3']), 'h1, h2 and h3');
  assert.deepEqual([nameNodes(['h1']), nameNodes(['h1', 'h2'])], ['Node h1', 'Nodes h1 and h2']);
  for (const [count, text] of [
    [4, '4'],
    [999, '999'],
    [4_998, '4,998'],
    [100_000, '100,000'],
  ] as const) {
    assert.equal(nameNodes(many(count)), `${text} nodes (n0, n1, n2, …)`);
  }
});

test('a command lists up to eight nodes, and has a placeholder for more', () => {
  assert.deepEqual(nodeArguments(many(8)), many(8));
  assert.deepEqual(nodeArguments(many(9)), ['NODE']);
});
