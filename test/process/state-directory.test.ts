// SPDX-License-Identifier: Apache-2.0
// Tests the node plugin with a state directory that cannot be written, or that contains odd files.
import assert from 'node:assert/strict';
import { copyFile, mkdir, readdir, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatVersion } from '../../nodeplugin/ledger/ledger-content.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { readLedgerDevices } from './read-ledger-devices.ts';
import { readLedgerText } from './read-ledger-text.ts';
import { assertOwnTap, showMacvtaps } from './shown-macvtaps.ts';
import { mountSmallDisk } from './small-disk.ts';
import { until } from './until.ts';

const options = { skip: needsRoot };

async function makeNode(): Promise<PluginNode> {
  const node = await makePluginNode(['eth0']);
  await writeNet(node);
  return node;
}

function writeNet(node: PluginNode, resourceName = 'net'): Promise<void> {
  const entry = { parentIface: 'eth0', quantity: 3, resourceName };
  return node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
}

/** Makes a node on which netMvp0 is held, and stops its node plugin. Also returns the text of the ledger. */
async function makeStoppedNode() {
  const node = await makeNode();
  const plugin = node.start();
  await node.offers({ net: 3 });
  const { paths } = await node.allocate('net');
  await plugin.stop();
  const path = join(node.stateDirectory, 'ledger.json');
  return { node, path, paths, text: await readLedgerText(path) };
}

/**
 * Replaces a file with a copy of its content. The node plugin appends only to a file that it wrote itself, so its next
 * change must write the whole ledger.
 */
async function replaceByCopy(path: string): Promise<void> {
  await copyFile(path, `${path}.copy`);
  await rename(`${path}.copy`, path);
}

const troubles = {
  full: { text: /no space left on device \(ENOSPC\); free some space/, begin: 'fill', end: 'free' },
  'read-only': { text: /read-only file system \(EROFS\); mount the file system/, begin: 'ro', end: 'rw' },
} as const;

for (const [trouble, { text, begin, end }] of Object.entries(troubles)) {
  test(
    `while the state directory is ${trouble}, Allocate fails with its name and leaves nothing, and works again afterwards`,
    options,
    async () => {
      await using node = await makeNode();
      await using disk = await mountSmallDisk(node.stateDirectory);
      const turn = async (how: typeof begin | typeof end) => {
        if (how === 'fill') await replaceByCopy(join(node.stateDirectory, 'ledger.json'));
        await (how === 'fill' ? disk.fill() : how === 'free' ? disk.free() : disk.remount(how));
      };
      node.start();
      await node.offers({ net: 3 });
      const first = await node.allocate('net');
      await turn(begin);
      await assert.rejects(node.allocate('net'), text);
      await assert.rejects(node.allocate('net', 2), /device netMvp1 cannot be recorded in the ledger/);
      await assertOwnTap(node.namespace, 'netMvp0', first.paths[0]);
      assert.equal((await showMacvtaps(node.namespace)).length, 1);
      await turn(end);
      const second = await node.allocate('net', 2);
      await assertOwnTap(node.namespace, 'netMvp1', second.paths[0]);
      assert.deepEqual(await readLedgerDevices(node), ['netMvp0', 'netMvp1', 'netMvp2']);
      assert.deepEqual(await readdir(node.stateDirectory), ['ledger.json']);
    },
  );
}

test('a process that starts on a full disk knows its devices, and removes leftovers once it can', options, async () => {
  await using node = await makeNode();
  await using disk = await mountSmallDisk(node.stateDirectory);
  const before = node.start(...quick);
  await node.offers({ net: 3 });
  const { ids, paths } = await node.allocate('net');
  await disk.fill();
  before.signal('SIGKILL');
  await before.exit;
  const after = node.start(...quick);
  await node.offers({ net: 3 });
  await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
  node.release('net', ids);
  await after.waitForLine(/an orphan could not be removed/);
  await disk.free();
  await until(
    () => readLedgerDevices(node),
    (devices) => devices.length === 0,
  );
  assert.deepEqual(await showMacvtaps(node.namespace), []);
});

test('a truncated ledger is set aside and reported, and held devices are restored from kubelet', options, async () => {
  const { node, path, paths, text } = await makeStoppedNode();
  await using _node = node;
  await truncate(path, Math.floor(text.length / 2));
  await writeNet(node, 'other');
  const plugin = node.start(...quick);
  assert.match(await plugin.waitForLine(/LedgerBroken/), /ledger\.json/);
  await node.lists('net', ['netMvp0']);
  await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
  assert.deepEqual((await readdir(node.stateDirectory)).sort(), ['ledger.json', 'ledger.json.broken-1']);
  node.release('net', ['netMvp0']);
  await node.isGone('net');
});

test('a ledger of a newer version is used, reported, and not downgraded', options, async () => {
  const { node, path, paths, text } = await makeStoppedNode();
  await using _node = node;
  const ledger = JSON.parse(text);
  const newer = formatVersion + 1;
  const future = { ...ledger.devices.netMvp0, colour: 'green' };
  await writeFile(path, JSON.stringify({ ...ledger, version: newer, season: 'spring', devices: { netMvp0: future } }));
  const plugin = node.start(...quick);
  await plugin.waitForLine(/LedgerNewer/);
  await node.offers({ net: 3 });
  await node.allocate('net');
  await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
  const now = JSON.parse(await readLedgerText(path));
  assert.deepEqual([now.version, now.season, now.devices.netMvp0.colour], [newer, 'spring', 'green']);
  assert.ok('netMvp1' in now.devices);
});

test(
  'a ledger that was deleted while the process was stopped is recreated, and held devices are still listed',
  options,
  async () => {
    const { node, paths } = await makeStoppedNode();
    await using _node = node;
    await rm(node.stateDirectory, { recursive: true });
    await writeNet(node, 'other');
    node.start(...quick);
    await node.lists('net', ['netMvp0']);
    await node.offers({ net: 1, other: 3 });
    await assertOwnTap(node.namespace, 'netMvp0', paths[0]);
    node.release('net', ['netMvp0']);
    await node.isGone('net');
  },
);

test('a second process with the same state directory ends at once and names the first one', options, async () => {
  await using node = await makeNode();
  const first = node.start();
  await node.offers({ net: 3 });
  const second = node.start();
  assert.notEqual((await second.exit).code, 0);
  assert.match(second.output, new RegExp(`in use by process ${first.pid}`));
  await node.allocate('net');
});

test('a state directory that is a file is named', options, async () => {
  await using node = await makeNode();
  await mkdir(join(node.stateDirectory, '..'), { recursive: true });
  await writeFile(node.stateDirectory, '');
  const plugin = node.start();
  assert.notEqual((await plugin.exit).code, 0);
  assert.ok(plugin.output.includes(node.stateDirectory), plugin.output);
});
