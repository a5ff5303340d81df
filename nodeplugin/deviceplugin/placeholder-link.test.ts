// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import type { Attachment, DeviceRecord } from '../ledger/device-record.ts';
import { freeTapNode, type NodeLinks, untilNodeIsGone } from './placeholder-link.ts';

const { signal } = new AbortController();
/** An existing path that is used as the namespace's path. Only its inode matters. */
const netnsPath = '/proc/self/ns/net';
const { ino: netnsInode } = await stat(netnsPath);

function record(attachment?: Partial<Attachment>): DeviceRecord {
  const given = { resource: 'net', parent: 'eth1', mode: 'bridge', ifindex: 5, attempt: 0, lastUsed: 1 } as const;
  const full = { containerID: 'c', ifname: 'net1', netnsPath, netnsInode, mac: '02:00:00:00:00:01', ...attachment };
  return { ...given, ...(attachment !== undefined && { attachment: full }) };
}

/** Creates a kernel with the link `net1` of index 5 in a pod's namespace, and the link's device node in /dev. */
function kernel(more: Partial<NodeLinks> = {}) {
  const deleted: string[] = [];
  let hasNode = true;
  const links: NodeLinks = {
    readTapNode: async (ifindex) => ({
      path: `/dev/tap${ifindex}`,
      matches: false,
      ...(hasNode && { nodeDevice: '246:1' }),
    }),
    getLinkIn: async () => ({ name: 'net1', ifindex: 5, kind: 'macvtap', up: true, promiscuous: false, mtu: 1500 }),
    deleteLinkIn: async (path, ifindex) => {
      deleted.push(`${path} ${ifindex}`);
      hasNode = false;
    },
    ...more,
  };
  return { links, deleted };
}

test('a device node that does not exist is free', async () => {
  const { links, deleted } = kernel({ readTapNode: async () => ({ path: '/dev/tap5', matches: false }) });
  assert.equal(await freeTapNode(5, undefined, links, signal), true);
  assert.deepEqual(deleted, []);
});

test("the former pod's link is deleted in the namespace that the ledger records", async () => {
  const { links, deleted } = kernel();
  assert.equal(await freeTapNode(5, record({}), links, signal), true);
  assert.deepEqual(deleted, [`${netnsPath} 5`]);
});

const untouched = [
  { title: 'the ledger does not contain the device', former: undefined },
  { title: 'the device has no attachment', former: record() },
  { title: 'the ledger records another index', former: { ...record({}), ifindex: 6 } },
  { title: 'the namespace is gone', former: record({ netnsPath: '/run/netns/kmt-never-was' }) },
  { title: 'the path leads to another namespace', former: record({ netnsInode: netnsInode + 1 }) },
  { title: 'the link there has another name', former: record({ ifname: 'net2' }) },
];

for (const { title, former } of untouched) {
  test(`nothing is deleted, and the device node is not free: ${title}`, async () => {
    const { links, deleted } = kernel();
    assert.equal(await freeTapNode(5, former, links, signal), false);
    assert.deepEqual(deleted, []);
  });
}

test("a link in the former pod's namespace that is not a macvtap is not deleted", async () => {
  const { links, deleted } = kernel({
    getLinkIn: async () => ({ name: 'net1', ifindex: 5, kind: 'veth', up: true, promiscuous: false, mtu: 1500 }),
  });
  assert.equal(await freeTapNode(5, record({}), links, signal), false);
  assert.deepEqual(deleted, []);
});

test('the wait ends when the device node is gone, before the acknowledgement', async () => {
  const never = new Promise<void>(() => {});
  let looks = 0;
  const readTapNode = async () => {
    looks += 1;
    return { path: '/dev/tap5', matches: false, ...(looks < 3 && { nodeDevice: '246:1' }) };
  };
  assert.equal(await untilNodeIsGone(5, { readTapNode }, never, signal), true);
});

test('a deletion that leaves the device node did not free it, and the error of a failed one is raised', async () => {
  const { links } = kernel();
  assert.equal(await untilNodeIsGone(5, links, Promise.resolve(), signal), false);
  await assert.rejects(untilNodeIsGone(5, links, Promise.reject(new Error('EPERM')), signal), /EPERM/);
});

test('an event for a removed link ends the wait, without a timer', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let isThere = true;
  const listeners = new Set<(removed: ReadonlySet<number>) => void>();
  const links = {
    readTapNode: async () => ({ path: '/dev/tap5', matches: false, ...(isThere && { nodeDevice: '246:1' }) }),
    onRemoval(listener: (removed: ReadonlySet<number>) => void): Disposable {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
  };
  const waiting = untilNodeIsGone(5, links, new Promise(() => {}), new AbortController().signal);
  const notify = async (ifindex: number) => {
    while (listeners.size === 0) await new Promise(setImmediate);
    for (const listener of [...listeners]) listener(new Set([ifindex]));
    await new Promise(setImmediate);
  };
  // The first event is for another link.
  await notify(6);
  isThere = false;
  await notify(5);
  assert.equal(await waiting, true);
  assert.equal(listeners.size, 0);
});
