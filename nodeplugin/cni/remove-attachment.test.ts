// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CNIContext } from './cni-context.ts';
import { untilGone } from './remove-attachment.ts';

const { signal } = new AbortController();

/** A kernel that takes a link's node away at once, and acknowledges only when the test says so. */
function kernel(hasNode: boolean) {
  const acknowledged = Promise.withResolvers<void>();
  let isThere = hasNode;
  const readTapNode = async () => ({ path: '/dev/tap5', matches: false, ...(isThere && { nodeDevice: '246:1' }) });
  const remove = () => {
    isThere = false;
    return acknowledged.promise;
  };
  return { links: { readTapNode } as unknown as CNIContext['links'], remove, acknowledged };
}

test('a node that is gone before anybody looks again is gone, and the acknowledgement is not waited for', async () => {
  const { links, remove } = kernel(true);
  await untilGone(5, links, remove, signal);
});

test('a link that had no node is gone when the kernel says so', async () => {
  const { links, remove, acknowledged } = kernel(false);
  let isOver = false;
  const waiting = untilGone(5, links, remove, signal).then(() => {
    isOver = true;
  });
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
  assert.equal(isOver, false);
  acknowledged.resolve();
  await waiting;
});
