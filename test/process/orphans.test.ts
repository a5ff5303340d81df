// SPDX-License-Identifier: Apache-2.0
// Tests that links which are no longer needed are removed, and that links which only look unneeded stay.
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { suite, test } from 'node:test';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import type { HeldRow } from '../kubelet/held-table.ts';
import { makePluginNode, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { readLedgerDevices } from './read-ledger-devices.ts';
import { assertOwnTap, showMacvtaps } from './shown-macvtaps.ts';
import { until } from './until.ts';

const options = { skip: needsRoot };

/** A name with the product's pattern, but of no device of these tests. */
const orphan = linkName('formerMvp0');

interface WatchedNode extends PluginNode {
  /** Resolves when kubelet was queried this many more times. The collector makes as many checks. */
  lookedAt(times: number): Promise<void>;
  answer: (held: readonly HeldRow[]) => readonly HeldRow[];
}

async function makeNode(): Promise<WatchedNode> {
  const questions = new EventTarget();
  const watched = { answer: (held: readonly HeldRow[]) => held };
  const onList = (held: readonly HeldRow[]) => {
    questions.dispatchEvent(new Event('list'));
    return watched.answer(held);
  };
  const node = await makePluginNode(['eth0'], {}, { onList });
  const entry = { parentIface: 'eth0', quantity: 2, resourceName: 'net' };
  await node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
  return Object.assign(watched, node, {
    async lookedAt(times: number) {
      for (let left = times; left > 0; left -= 1) {
        await new Promise((resolve) => questions.addEventListener('list', resolve, { once: true }));
      }
    },
  });
}

/** Adds a leftover or foreign macvtap with an index of this node. */
function addMacvtap(node: PluginNode, name: string): Promise<string> {
  const index = deviceIfindex(node.name, name);
  return node.namespace.ip(`link add link eth0 name ${name} index ${index} type macvtap mode bridge`);
}

async function names(node: PluginNode): Promise<readonly string[]> {
  return (await showMacvtaps(node.namespace)).map(({ ifname }) => ifname).sort();
}

// The tests mostly wait, so several can run at once.
suite('the collector', { concurrency: 3 }, () => {
  test(
    "an unknown link with the product's name pattern is removed, and no other link is changed",
    options,
    async () => {
      await using node = await makeNode();
      await addMacvtap(node, orphan);
      await addMacvtap(node, 'foreign0');
      await addMacvtap(node, 'mvtap0');
      await node.namespace.ip('link add mvt0123456789ab type veth peer name mvt0123456789ac');
      const plugin = node.start(...quick);
      assert.match(await plugin.waitForLine(/orphan removed/), new RegExp(orphan));
      await node.lookedAt(10);
      assert.deepEqual(await names(node), ['foreign0', 'mvtap0']);
      assert.equal((await node.namespace.ipJSON('link show type veth')).length, 4);
    },
  );

  test('the link of a held device stays, even if the ledger was lost', options, async () => {
    await using node = await makeNode();
    const before = node.start(...quick);
    await node.offers({ net: 2 });
    const { paths } = await node.allocate('net');
    await addMacvtap(node, orphan);
    await before.waitForLine(new RegExp(orphan));
    await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
    await before.stop();
    await rm(node.stateDirectory, { recursive: true });
    await addMacvtap(node, orphan);
    const after = node.start(...quick);
    await after.waitForLine(new RegExp(orphan));
    await node.lookedAt(10);
    await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
  });

  test("nothing is removed while kubelet does not list the pods' devices", options, async () => {
    await using node = await makeNode();
    await addMacvtap(node, orphan);
    node.answer = () => {
      throw new Error('no checkpoint');
    };
    const plugin = node.start(...quick);
    await node.lookedAt(10);
    assert.deepEqual(await names(node), [orphan]);
    node.answer = (held) => held;
    await plugin.waitForLine(new RegExp(orphan));
    assert.deepEqual(await names(node), []);
  });

  test('nothing is removed while kubelet has not run long enough to know its pods', options, async () => {
    await using node = await makeNode();
    const before = node.start(...quick);
    await node.offers({ net: 2 });
    const { paths } = await node.allocate('net');
    await before.stop();
    await rm(node.stateDirectory, { recursive: true });
    // Neither the ledger nor kubelet knows the device, although its pod runs.
    node.answer = () => [];
    const young = node.start('--held-refresh', '50ms', '--orphan-grace', '100ms', '--kubelet-settle', '60m');
    await node.offers({ net: 2 });
    await node.lookedAt(10);
    await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
    await young.stop();
    const settled = node.start(...quick);
    await settled.waitForLine(new RegExp(linkName('netMvp0')));
    assert.deepEqual(await names(node), []);
  });

  test(
    'the link of a device that was allocated but never listed is removed, and the ledger forgets the device',
    options,
    async () => {
      await using node = await makeNode();
      node.answer = (held) => held.filter(({ deviceId }) => deviceId !== 'netMvp0');
      const plugin = node.start(...quick);
      await node.offers({ net: 2 });
      await node.allocate('net');
      const { paths } = await node.allocate('net');
      assert.deepEqual(await readLedgerDevices(node), ['netMvp0', 'netMvp1']);
      await plugin.waitForLine(/device netMvp0/);
      await until(
        () => names(node),
        (now) => now.length === 1,
      );
      assert.deepEqual(await readLedgerDevices(node), ['netMvp1']);
      await assertOwnTap(node.namespace, 'netMvp1', paths[0]);
    },
  );

  test('the link of a released device is removed, and the device can be allocated again', options, async () => {
    await using node = await makeNode();
    node.start(...quick);
    await node.offers({ net: 2 });
    for (let round = 0; round < 2; round += 1) {
      const { ids, paths } = await node.allocate('net');
      await assertOwnTap(node.namespace, ids[0] ?? '', paths[0]);
      node.release('net', ids);
      await until(
        () => Promise.all([names(node), readLedgerDevices(node)]),
        ([links, devices]) => links.length === 0 && devices.length === 0,
      );
    }
  });
});
