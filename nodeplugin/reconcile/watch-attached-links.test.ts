// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { createKeyedMutex } from '../../runtime/locks.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { watchAttachedLinks } from './watch-attached-links.ts';

const withoutMTU = {
  containerID: 'c1',
  ifname: 'net1',
  netnsPath: '/run/netns/a',
  netnsInode: 1,
  mac: '02:00:00:00:00:01',
};
const attachment = { ...withoutMTU, mtu: 1500 };
const attached: DeviceRecord = {
  ...{ resource: 'net', parent: 'eth1', parentIfindex: 7, mode: 'bridge', ifindex: 50, attempt: 0, lastUsed: 1 },
  attachment,
};
const parent: LinkDetails = { name: 'eth1', ifindex: 7, kind: 'bond', up: true, promiscuous: false, mtu: 1500 };
const link: LinkDetails = { ...parent, name: 'net1', ifindex: 50, kind: 'macvtap', parentIfindexElsewhere: 7 };

/** Watches a node with one attached device. A test can replace each part of the node's state. */
function start(t: TestContext) {
  const node = {
    record: attached,
    link: link as LinkDetails | undefined,
    parent: parent as LinkDetails | undefined,
    isSandboxThere: true,
    failure: undefined as MacvtapError | undefined,
  };
  const said: string[] = [];
  const mutex = createKeyedMutex();
  const asked = Promise.withResolvers<void>();
  const lock: typeof mutex = {
    ...mutex,
    run: (keys, task, signal) => {
      asked.resolve();
      return mutex.run(keys, task, signal);
    },
  };
  let changes = 0;
  let looks = 0;
  const watch = watchAttachedLinks({
    lookMs: 0,
    ledger: {
      entries() {
        looks += 1;
        return [['netMvp0', node.record]];
      },
      get: () => node.record,
    },
    links: {
      getLink: async () => node.parent,
      async getLinkIn() {
        if (node.failure !== undefined) throw node.failure;
        return node.link;
      },
    },
    lock,
    onDamage: ({ lost, lowered }) =>
      said.push(...lost.map(({ id }) => `lost ${id}`), ...lowered.map(({ id, mtu }) => `${id} has ${mtu}`)),
    onError: ({ message }) => said.push(message),
    isSandboxThere: () => node.isSandboxThere,
  });
  watch.onChange(() => {
    changes += 1;
  });
  t.after(() => watch[Symbol.asyncDispose]());
  /** Waits for a whole comparison: one that has started after the call, and has ended. */
  const compared = async () => {
    // One comparison reads the ledger at most twice.
    for (const start = looks; looks < start + 4; ) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return { node, watch, said, mutex, asked: asked.promise, compared, changes: () => changes };
}

test('a link that is gone while its sandbox and its parent exist is lost, and reported once', async (t) => {
  const { node, watch, said, compared, changes } = start(t);
  await compared();
  assert.deepEqual([watch.isLost('netMvp0'), changes()], [false, 0]);
  node.link = undefined;
  await compared();
  await compared();
  assert.deepEqual([watch.isLost('netMvp0'), changes(), said], [true, 1, ['lost netMvp0']]);
  assert.deepEqual(
    watch.current.lost.map(({ id }) => id),
    ['netMvp0'],
  );
  // The device has a new attachment, which is not lost, even before the next comparison.
  node.record = { ...attached, attachment: { ...attachment, containerID: 'c2' } };
  node.link = link;
  assert.equal(watch.isLost('netMvp0'), false);
  await compared();
  assert.deepEqual([watch.current.lost, changes()], [[], 2]);
});

test('a link whose MTU is below the one that ADD gave it is reported until it is raised', async (t) => {
  const { node, watch, said, compared, changes } = start(t);
  node.link = { ...link, mtu: 1400 };
  await compared();
  await compared();
  assert.deepEqual([watch.current.lowered.map(({ mtu }) => mtu), said], [[1400], ['netMvp0 has 1400']]);
  assert.equal(watch.isLost('netMvp0'), false);
  node.link = { ...link, mtu: 9000 };
  await compared();
  assert.deepEqual([watch.current.lowered, changes()], [[], 2]);
});

test('a link that is lost after its MTU was lowered is reported as lost, too', async (t) => {
  const { node, watch, said, compared, changes } = start(t);
  node.link = { ...link, mtu: 1400 };
  await compared();
  node.link = undefined;
  await compared();
  await compared();
  assert.deepEqual([watch.isLost('netMvp0'), changes(), said], [true, 2, ['netMvp0 has 1400', 'lost netMvp0']]);
  assert.deepEqual(watch.current.lowered, []);
});

for (const [title, change, expected] of [
  ['the parent is gone, which is reported with that cause', { link: undefined, parent: undefined }, false],
  ['the sandbox is gone', { link: undefined, isSandboxThere: false }, false],
  ['another link has the index', { link: { ...link, name: 'x', parentIfindexElsewhere: 8 } }, true],
  ['the pod renamed the link', { link: { ...link, name: 'x' } }, false],
  ['an older version recorded no MTU', { record: { ...attached, attachment: withoutMTU } }, false],
] as const) {
  test(`${title}: ${expected ? 'lost' : 'no damage'}`, async (t) => {
    const { node, watch, compared } = start(t);
    Object.assign(node, change);
    await compared();
    assert.deepEqual([watch.isLost('netMvp0'), watch.current.lowered], [expected, []]);
  });
}

test('during ADD and DEL, an attachment may have no link', async (t) => {
  const { node, watch, said, mutex, asked, compared } = start(t);
  const held = Promise.withResolvers<void>();
  const operation = mutex.run([linkName('netMvp0')], () => held.promise);
  node.link = undefined;
  await asked;
  assert.deepEqual(said, []);
  node.link = link;
  held.resolve();
  await operation;
  await compared();
  assert.deepEqual([watch.isLost('netMvp0'), said], [false, []]);
});

test('a link that cannot be read keeps its last result, and the error is reported once', async (t) => {
  const { node, watch, said, compared } = start(t);
  node.link = undefined;
  await compared();
  node.failure = new MacvtapError('NetnsUnreachable', 'not mounted');
  await compared();
  await compared();
  assert.deepEqual([watch.isLost('netMvp0'), said], [true, ['lost netMvp0', 'not mounted']]);
});
