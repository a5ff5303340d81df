// SPDX-License-Identifier: Apache-2.0
// Tests that kubelet can allocate a device again and again while its pods change. Uses the real ledger and links,
// inside the node's namespace.
import assert from 'node:assert/strict';
import { mkdtempDisposable, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { type AllocateContext, allocateDevice } from '../../nodeplugin/deviceplugin/allocate.ts';
import { checkBeforeStart } from '../../nodeplugin/deviceplugin/resource-handlers.ts';
import type { DeviceRecord } from '../../nodeplugin/ledger/device-record.ts';
import { Ledger } from '../../nodeplugin/ledger/ledger.ts';
import { openLinks } from '../../nodeplugin/links/links.ts';
import { readTapNode } from '../../nodeplugin/links/tap-node.ts';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { readInterface } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { admitAll } from '../fixtures/admission/admit-all.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here, there } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const signal = AbortSignal.timeout(300_000);
const resource: PlannedResource = {
  source: 'implicit',
  name: 'net',
  parent: 'p0',
  mode: 'bridge',
  quantity: 1,
  numaNodes: [],
  needVhostNet: false,
};

/** Makes a node with the parent p0. No other test uses its indexes. */
async function makeNode(device: string) {
  await using undo = new AsyncDisposableStack();
  const directory = undo.use(await mkdtempDisposable(`${tmpdir()}/kmt-churn-`));
  await here.ip('link add p0 type veth peer name p1');
  undo.defer(async () => void (await here.ip('link del p0')));
  const nodeName = `churn-${device}-${process.pid}`;
  const ledger = undo.use(await Ledger.open({ directory: directory.path, nodeName, onWarning: assert.fail }));
  const links = undo.use(await openLinks());
  const ifindex = (await links.getLink({ name: 'p0' }))?.ifindex ?? 0;
  const context: AllocateContext = {
    nodeName,
    ledger,
    links: { ...links, readTapNode },
    admission: admitAll,
    findInterface: (name) => (name === 'p0' ? readInterface({ name, ifindex }) : undefined),
  };
  const scope = undo.move();
  return {
    context,
    ledger,
    links,
    allocate: () => allocateDevice(device, { resource }, context, signal),
    /** Attaches a device like ADD: the link is in the pod, and the ledger contains the attachment. */
    async attach(containerID: string) {
      const { ifindex: index } = ledger.get(device) as DeviceRecord;
      const mac = (await links.getLink({ ifindex: index }))?.macAddress ?? '';
      await here.ip(`link set ${linkName(device)} netns ${there.name} name net1 up`);
      const { lastUsed, ...entry } = ledger.get(device) as DeviceRecord;
      const { ino: netnsInode } = await stat(there.path);
      const attachment = { containerID, ifname: 'net1', netnsPath: there.path, netnsInode, mac };
      await ledger.record(device, { ...entry, attachment });
    },
    [Symbol.asyncDispose]: () => scope.disposeAsync(),
  };
}

test('a device whose last link is in the ledger gets the same index again, 200 times', options, async () => {
  const device = 'knownMvp0';
  await using node = await makeNode(device);
  const expected = `/dev/tap${deviceIfindex(node.context.nodeName, device)}`;
  for (let round = 0; round < 200; round += 1) {
    const { tapPath } = await node.allocate();
    assert.equal(tapPath, expected);
    // This Allocate deleted the link of the previous round's pod, so a late DEL of that pod finds nothing.
    assert.equal(await node.links.getLinkIn(there.path, { name: 'net1' }), undefined);
    const link = await node.links.getLink({ name: linkName(device) });
    assert.deepEqual(await readTapOwner(tapPath), { name: link?.name, macAddress: link?.macAddress });
    await node.attach(`container-${round}`);
  }
  assert.equal(node.ledger.get(device)?.attempt, 0);
});

test(
  'a foreign link in the pod with the index of the last link is not deleted, and the device gets another index',
  options,
  async () => {
    const device = 'strangerMvp0';
    await using node = await makeNode(device);
    const { tapPath } = await node.allocate();
    await node.attach('container');
    const index = Number(tapPath.replace('/dev/tap', ''));
    await there.ip('link del net1');
    await there.ip('link add q0 type veth peer name q1');
    await there.ip(`link add link q0 name foreign index ${index} type macvtap mode bridge`);
    const { tapPath: second } = await node.allocate();
    assert.equal(second, `/dev/tap${deviceIfindex(node.context.nodeName, device, 1)}`);
    assert.equal((await node.links.getLinkIn(there.path, { ifindex: index }))?.name, 'foreign');
    await there.ip('link del q0');
  },
);

test('a pod whose namespace is gone does not block its device', options, async () => {
  const device = 'goneMvp0';
  await using node = await makeNode(device);
  const { tapPath } = await node.allocate();
  {
    await using pod = await makeNetworkNamespace();
    const { lastUsed, ...entry } = node.ledger.get(device) as DeviceRecord;
    const { ino: netnsInode } = await stat(pod.path);
    await here.ip(`link set ${linkName(device)} netns ${pod.name} name net1 up`);
    const attachment = { containerID: 'c', ifname: 'net1', netnsPath: pod.path, netnsInode, mac: '' };
    await node.ledger.record(device, { ...entry, attachment });
  }
  assert.equal((await node.allocate()).tapPath, tapPath);
});

test("a container of an attached pod may start as long as the pod's link is in its namespace", options, async () => {
  const device = 'startMvp0';
  await using node = await makeNode(device);
  await node.allocate();
  await node.attach('container');
  await checkBeforeStart(device, node.context, signal);
  await there.ip('link set net1 down');
  await there.ip('link set net1 name renamed');
  const refusal = { code: 'TapNodeUnusable', message: /not the tap of net1 in \/run\/netns/ };
  await assert.rejects(checkBeforeStart(device, node.context, signal), refusal);
  await there.ip('link del renamed');
  await assert.rejects(checkBeforeStart(device, node.context, signal), refusal);
});
