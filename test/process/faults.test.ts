// SPDX-License-Identifier: Apache-2.0
// The real node plugin is killed at every named step, and its successor must find its way.
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

/** How an armed process gets to its point; a pod holds netMvp0 all the while. */
type Way =
  /** It is started beside a ledger of which a part cannot be read. */
  | 'start-beside-broken-ledger'
  /** A policy is edited, again and again, until it dies. */
  | 'edit'
  /** An edit adds a second resource, and the process dies as it is served. */
  | 'new-resource'
  /** A device is given out for the first time. */
  | 'allocate'
  /** A device is allocated whose leftover link is on another parent. */
  | 'allocate-over-leftover';

/**
 * Every point, by the way there, and whether a call of kubelet was lost: then a device that was asked for is free
 * again.
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

test('the table has exactly the points that no test of the CNI half or of VLANs covers', () => {
  const points = Object.keys(faultPoints).filter((name) => !/^(?:cni|vlan)-/.test(name));
  assert.deepEqual(Object.keys(table).toSorted(), points.toSorted());
});

// They wait more than they work.
suite('a kill at', { concurrency: 3 }, () => {
  for (const [point, way] of Object.entries(table) as [FaultPointName, Way][]) {
    test(`${point} (${way}) leaves a successor that is right`, options, async () => {
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

      // No pod holds netMvp1, whatever the killed process did for it.
      await until(
        () => leftOf(node),
        ({ links, devices }) => links.join() === linkName('netMvp0') && devices.join() === 'netMvp0',
      );
      const { ids, paths } = await node.allocate('net');
      assert.deepEqual(ids, ['netMvp1']);
      const link = await assertOwnTap(node.namespace, 'netMvp1', paths[0]);
      assert.equal(link.link, way === 'allocate-over-leftover' ? 'eth1' : 'eth0');
      await assert.rejects(node.allocate('net'), /Requested: 1, Available: 0/, 'nothing is handed out twice');
      assert.deepEqual(await readLedgerDevices(node), ['netMvp0', 'netMvp1']);
      await assertTidy(node, way);
    });

    test(`${point} (${way}) leaves a device that can be given out at once`, options, async () => {
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
      // Nothing is collected before the device is asked for.
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

/** Starts a process that is to die at the point, brings it there, and waits for its end. */
async function dieAt(point: FaultPointName, way: Way, node: PluginNode): Promise<void> {
  if (way === 'start-beside-broken-ledger') await breakLedger(node);
  // The held view and the first plan come in either order, so that an edit is the second or the third decision.
  const nth = way === 'edit' ? (`${point}:3` as const) : way === 'new-resource' ? (`${point}:2` as const) : point;
  // Without the effects of the quick flags: only the way leads to the point.
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

/** A link of the device's name, in another mode than any policy here has. */
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

/** One ledger and nothing beside it, and kubelet's socket with one for each resource. */
async function assertTidy(node: PluginNode, way: Way): Promise<void> {
  const state = (await readdir(node.stateDirectory)).sort();
  const aside = way === 'start-beside-broken-ledger' ? ['ledger.json.broken-1'] : [];
  assert.deepEqual(state, ['ledger.json', ...aside]);
  const sockets = await readdir(node.kubelet.directory);
  assert.equal(sockets.length, way === 'new-resource' ? 3 : 2, sockets.join());
}
