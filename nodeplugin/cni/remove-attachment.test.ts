// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CNIContext } from './cni-context.ts';
import { removeAttachedLink, untilGone } from './detach.ts';

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

/** Creates the links of a node on which no pod's namespace has a path any more, and one link may still exist. */
function pathlessLinks(taps: readonly string[], hasNode: boolean) {
  const deleted: number[] = [];
  const link = { name: 'net1', ifindex: 5, kind: 'macvtap', up: true, promiscuous: false, mtu: 1500 };
  const links = {
    readTapNode: async () => ({ path: '/dev/tap5', matches: false, ...(hasNode && { nodeDevice: '246:1' }) }),
    listTaps: () => taps,
    searchLink: async () => (taps.length > 0 ? [{ netnsID: 3, link }] : []),
    deleteFoundLink: async ({ netnsID }: { readonly netnsID: number }) => void deleted.push(netnsID),
  };
  return { links: links as unknown as CNIContext['links'], deleted };
}

const attachment = {
  containerID: 'c1',
  ifname: 'net1',
  netnsPath: '/run/netns/no-such-namespace',
  netnsInode: 1,
  mac: '02:00:00:00:00:01',
};
const record = { resource: 'net', parent: 'eth0', mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1 } as const;
const device = { id: 'netMvp0', record: { ...record, attachment } };

test('a link without a device node is removed from a namespace whose path is gone', async () => {
  // Another link of this index had the device node when this link was created. That other link has been deleted.
  const { links, deleted } = pathlessLinks(['246:7'], false);
  await removeAttachedLink(device, { links } as CNIContext, signal);
  assert.deepEqual(deleted, [3]);
});

test('no namespace is searched if no tap has the index', async () => {
  const { links } = pathlessLinks([], false);
  const searchLink = () => assert.fail('the search takes a request for each namespace');
  await removeAttachedLink(device, { links: { ...links, searchLink } } as unknown as CNIContext, signal);
});
