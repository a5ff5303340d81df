// SPDX-License-Identifier: Apache-2.0
// Kills the real node plugin at every named step. Its successor must recover.
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { linkName } from '../../policy/device/device-id.ts';
import { type FaultPointName, faultPoints } from '../../runtime/fault-points.ts';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode, type PluginNode, policyObject, quick } from './plugin-node.ts';
import { readLedgerDevices } from './read-ledger-devices.ts';
import { readLedgerText } from './read-ledger-text.ts';
import { assertOwnTap, showMacvtaps } from './shown-macvtaps.ts';
import type { RunningProcess } from './start-process.ts';
import { until } from './until.ts';

const options = { skip: needsRoot };

/** How a process that will kill itself reaches its point. A pod holds netMvp0 during all of this. */
type Way =
  /** The process is started with a partly unreadable ledger. */
  | 'start-beside-broken-ledger'
  /** A policy is edited repeatedly, until the process dies. */
  | 'edit'
  /** An edit adds a second resource, and the process dies when it serves that resource. */
  | 'new-resource'
  /** A device is allocated for the first time. */
  | 'allocate'
  /** A device is allocated whose leftover link is on another parent. */
  | 'allocate-over-leftover';

/**
 * Every point, with the way to reach it. If the process dies during a call of kubelet, the requested device must become
 * free again.
 */
const table = {
  'plan-decided': 'edit',
  'plan-applied': 'edit',
  'server-ready': 'new-resource',
  'server-registered': 'new-resource',
  'allocate-leftover-removed': 'allocate-over-leftover',
  'allocate-node-free': 'allocate',
  'allocate-link-made': 'allocate',
  'allocate-recorded': 'allocate',
  'ledger-before-write': 'allocate',
  'ledger-set-aside': 'start-beside-broken-ledger',
  'file-temporary-made': 'allocate',
  'file-before-rename': 'allocate',
  'file-after-rename': 'allocate',
  'ledger-after-write': 'allocate',
} as const satisfies Record<string, Way>;

test('the table has exactly the crash points that are neither in the CNI server, nor in the creation of VLANs, nor in claims', () => {
  const points = Object.keys(faultPoints).filter((name) => !/^(?:cni|vlan|claim)-/.test(name));
  assert.deepEqual(Object.keys(table).toSorted(), points.toSorted());
});

// The tests mostly wait, so several can run at once.
suite('a kill at', { concurrency: 3 }, () => {
  for (const [point, way] of Object.entries(table) as [FaultPointName, Way][]) {
    test(`${point} (${way}) leaves a state from which the successor recovers`, options, async () => {
      await using node = await makePluginNode(['eth0', 'eth1']);
      await writeNet(node, 'eth0', 2);
      const before = node.start(...quick);
      await node.offers({ net: 2 });
      const { paths: heldPaths } = await node.allocate('net');
      if (way === 'allocate-over-leftover') {
        await leaveOne(node);
        await writeNet(node, 'eth1', 2);
      }
      before.signal('SIGKILL');
      await before.exit;

      await dieAt(point, way, node);
      node.start(...quick);
      await node.offers({ net: 2, ...(way === 'new-resource' && { other: 100 }) });
      await assertOwnTap(node.namespace, 'netMvp0', heldPaths[0]);

      // No pod holds netMvp1, even if the killed process had already allocated it.
      await until(
        () => leftOf(node),
        ({ links, devices }) => links.join() === linkName('netMvp0') && devices.join() === 'netMvp0',
      );
      const [id, path] = await allocateNet(node);
      assert.equal(id, 'netMvp1');
      const link = await assertOwnTap(node.namespace, 'netMvp1', path);
      assert.equal(link.link, way === 'allocate-over-leftover' ? 'eth1' : 'eth0');
      await assert.rejects(node.allocate('net'), /Requested: 1, Available: 0/, 'no device is allocated twice');
      assert.deepEqual(await readLedgerDevices(node), ['netMvp0', 'netMvp1']);
      await assertTidy(node, way);
    });

    test(`${point} (${way}) leaves a device that can be allocated at once`, options, async () => {
      await using node = await makePluginNode(['eth0', 'eth1']);
      await writeNet(node, 'eth0', 1);
      if (way === 'allocate-over-leftover') {
        await addLeftover(node, 'netMvp0');
      } else if (way === 'start-beside-broken-ledger') {
        const before = node.start();
        await node.offers({ net: 1 });
        await before.stop();
      }
      await dieAt(point, way, node);
      // The device is requested before the collector removes anything.
      node.start();
      await node.offers({ net: 1, ...(way === 'new-resource' && { other: 100 }) });
      const { ids, paths } = await node.allocate('net');
      await assertOwnTap(node.namespace, ids[0] ?? '', paths[0]);
      assert.deepEqual((await leftOf(node)).links, [linkName('netMvp0')]);
      await node.kubelet.startContainer({ ...netOf(node), deviceIds: ids });
      await assertTidy(node, way);
    });
  }
});

/** Starts a process that kills itself at the point, makes it reach the point, and waits for its end. */
async function dieAt(point: FaultPointName, way: Way, node: PluginNode): Promise<void> {
  if (way === 'start-beside-broken-ledger') await breakLedger(node);
  // The list of held devices and the first plan arrive in any order, so the edit causes the second or the third
  // decision.
  const nth = way === 'edit' ? (`${point}:3` as const) : way === 'new-resource' ? (`${point}:2` as const) : point;
  // The other flags in `quick` are not set, because what they cause could also reach the point.
  const armed = node.startArmed(nth, '--kubelet-settle', '0ms');
  if (way !== 'start-beside-broken-ledger') await lead(way, node, armed);
  assert.equal((await armed.exit).signal, 'SIGKILL', armed.output);
}

async function lead(way: Exclude<Way, 'start-beside-broken-ledger'>, node: PluginNode, armed: RunningProcess) {
  await Promise.race([armed.waitForLine(/resource registered/), armed.exit]);
  if (way === 'new-resource') return writeNet(node, 'eth0', 1 + node.kubelet.held(netName).length, true);
  if (way === 'edit') {
    const quantity = 1 + node.kubelet.held(netName).length;
    for (const more of [1, 0, 1, 0]) {
      await writeNet(node, 'eth0', quantity + more);
      await Promise.race([armed.exit, node.offers({ net: quantity + more })]).catch(() => undefined);
    }
    return;
  }
  await assert.rejects(node.allocate('net'), /Allocate failed/);
}

const netName = 'macvtap.network.kubevirt.io/net';

function netOf({ name }: PluginNode) {
  return { resourceName: netName, holder: { namespace: 'default', name, container: 'compute' }, response: {} };
}

function writeNet(node: PluginNode, parentIface: string, quantity: number, withOther = false): Promise<void> {
  const net = { parentIface, quantity, resourceName: 'net' };
  const parentSelector = [net, ...(withOther ? [{ parentIface: 'eth1', resourceName: 'other' }] : [])];
  return node.write('p.yaml', policyObject('p', { parentSelector }));
}

async function leaveOne(node: PluginNode): Promise<void> {
  await addLeftover(node, 'netMvp1');
}

/**
 * Allocates a device of `net`, and returns its ID and path. On a busy machine, kubelet can notice the end of the killed
 * process after the registration of its successor. It then refuses calls until the successor has registered again.
 */
async function allocateNet(node: PluginNode): Promise<readonly [string | undefined, string | undefined]> {
  return await until(
    async () => {
      try {
        const { ids, paths } = await node.allocate('net');
        return [ids.join(), paths[0]] as const;
      } catch (thrown) {
        if (String(thrown).includes('has been stopped')) return [undefined, undefined] as const;
        throw thrown;
      }
    },
    ([id]) => id !== undefined,
  );
}

/** Adds a link with the device's name, in a mode that no policy here uses. */
async function addLeftover(node: PluginNode, device: string): Promise<void> {
  await node.namespace.ip(`link add link eth0 name ${linkName(device)} type macvtap mode vepa`);
}

async function breakLedger({ stateDirectory }: PluginNode): Promise<void> {
  const path = join(stateDirectory, 'ledger.json');
  const ledger = await readLedgerText(path).catch(() => '{"version":1,"node":"x","devices":{}}');
  const { devices, ...rest } = JSON.parse(ledger) as { devices: object };
  await writeFile(path, JSON.stringify({ ...rest, devices: { ...devices, oddMvp0: 7 } }));
}

async function leftOf(node: PluginNode) {
  const links = (await showMacvtaps(node.namespace)).map(({ ifname }) => ifname).sort();
  return { links, devices: await readLedgerDevices(node).catch(() => []) };
}

/**
 * Asserts that the directory contains only one ledger, and that kubelet's directory has one socket for each resource.
 */
async function assertTidy(node: PluginNode, way: Way): Promise<void> {
  const state = (await readdir(node.stateDirectory)).sort();
  const aside = way === 'start-beside-broken-ledger' ? ['ledger.json.broken-1'] : [];
  assert.deepEqual(state, ['ledger.json', ...aside]);
  const sockets = await readdir(node.kubelet.directory);
  assert.equal(sockets.length, way === 'new-resource' ? 3 : 2, sockets.join());
}
