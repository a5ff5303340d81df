// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CNIContext } from './cni-context.ts';
import { untilGone } from './remove-attachment.ts';

const { signal } = new AbortController();

/**
 * Creates a kernel that removes a link's device node at once, but acknowledges the removal of the link only when the
 * test allows it.
 */
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

test('the removal of a link is complete when its device node is gone, before the acknowledgement', async () => {
  const { links, remove } = kernel(true);
  await untilGone(5, links, remove, signal);
});

test('the removal of a link without a device node is complete when the kernel acknowledges it', async () => {
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
