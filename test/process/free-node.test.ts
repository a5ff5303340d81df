// SPDX-License-Identifier: Apache-2.0
// All network namespaces share one /dev. Tests that an allocated tap nevertheless always belongs to the device's own
// link.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from '../kernel/network-namespace.ts';
import { ethernetFrame, frameText, openTap } from '../kernel/tap-frames.ts';
import { makePluginNode, type PluginNode, policyObject } from './plugin-node.ts';
import { assertOwnTap, showMacvtaps } from './shown-macvtaps.ts';

const options = { skip: needsRoot };
const device = 'netMvp0';
const resourceName = 'macvtap.network.kubevirt.io/net';

async function makeNode(): Promise<PluginNode> {
  const node = await makePluginNode(['eth0']);
  const entry = { parentIface: 'eth0', quantity: 1, resourceName: 'net' };
  await node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
  return node;
}

/** Uses an index in another namespace, as another node in a container on this machine would. */
async function occupy(index: number): Promise<NetworkNamespace> {
  await using undo = new AsyncDisposableStack();
  const elsewhere = undo.use(await makeNetworkNamespace());
  await elsewhere.ip('link add lower type veth peer name lower-peer');
  await elsewhere.ip(`link add link lower name other index ${index} type macvtap mode bridge`);
  const scope = undo.move();
  return { ...elsewhere, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

/** Rejects unless a frame passes in both directions between the tap and eth0-peer, the veth peer of the parent. */
async function assertCarries(node: PluginNode, path: string, text: string): Promise<void> {
  const [name, receiver] = ['wire', deviceIfindex(node.name, 'wire')];
  await node.namespace.ip(`link add link eth0-peer name ${name} index ${receiver} type macvtap mode passthru`);
  for (const link of [name, linkName(device)]) await node.namespace.ip(`link set ${link} up`);
  await using wire = await openTap(`/dev/tap${receiver}`);
  await using tap = await openTap(path);
  const isText = (frame: Uint8Array) => frameText(frame) === text;
  await tap.send(ethernetFrame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:01', text));
  assert.ok((await wire.receive(isText, 5_000)) !== undefined, 'a frame out of the tap reaches the wire');
  await wire.send(ethernetFrame('ff:ff:ff:ff:ff:ff', '02:00:00:00:00:02', text));
  assert.ok((await tap.receive(isText, 5_000)) !== undefined, 'a frame of the wire reaches the tap');
  await node.namespace.ip(`link del ${name}`);
  await node.namespace.ip(`link set ${linkName(device)} down`);
}

test('an index that a link in another namespace has is skipped, and used again when it is free', options, async () => {
  await using node = await makeNode();
  const [first, second] = [deviceIfindex(node.name, device), deviceIfindex(node.name, device, 1)];
  {
    await using elsewhere = await occupy(first);
    node.start();
    await node.offers({ net: 1 });
    const { ids, paths } = await node.allocate('net');
    const link = await assertOwnTap(node.namespace, device, paths[0]);
    assert.equal(link.ifindex, second);
    await assertCarries(node, paths[0] ?? '', 'second');
    const [other] = await showMacvtaps(elsewhere);
    assert.equal(other?.ifindex, first, 'the link in the other namespace does not change');
    node.release('net', ids);
  }
  const { paths } = await node.allocate('net');
  assert.equal((await assertOwnTap(node.namespace, device, paths[0])).ifindex, first);
  await assertCarries(node, paths[0] ?? '', 'first');
});

test(
  'a leftover whose device node belongs to a link elsewhere is not reused, although its settings match',
  options,
  async () => {
    await using node = await makeNode();
    const first = deviceIfindex(node.name, device);
    await using _elsewhere = await occupy(first);
    await node.namespace.ip(`link add link eth0 name ${linkName(device)} index ${first} type macvtap mode bridge`);
    node.start();
    await node.offers({ net: 1 });
    const { paths } = await node.allocate('net');
    const link = await assertOwnTap(node.namespace, device, paths[0]);
    assert.equal(link.ifindex, deviceIfindex(node.name, device, 1));
    assert.equal((await showMacvtaps(node.namespace)).length, 1);
  },
);

test('if all of its indexes are taken, Allocate names their users, and leaves nothing', options, async () => {
  await using node = await makeNode();
  await using elsewhere = await occupy(deviceIfindex(node.name, device));
  for (let attempt = 1; attempt < 8; attempt += 1) {
    const index = deviceIfindex(node.name, device, attempt);
    await elsewhere.ip(`link add link lower name other${attempt} index ${index} type macvtap mode bridge`);
  }
  node.start();
  await node.offers({ net: 1 });
  await assert.rejects(node.allocate('net'), /netMvp0: all 8 indexes are held .*remove the links of former pods/);
  assert.deepEqual(await showMacvtaps(node.namespace), []);
  await elsewhere.ip('link del other5');
  const { paths } = await node.allocate('net');
  const link = await assertOwnTap(node.namespace, device, paths[0]);
  assert.equal(link.ifindex, deviceIfindex(node.name, device, 5));
});

test(
  'a device that is allocated while its last pod still has its link gets a separate tap, 200 times',
  options,
  async () => {
    await using node = await makeNode();
    await using pods = new AsyncDisposableStack();
    const namespaces = [pods.use(await makeNetworkNamespace()), pods.use(await makeNetworkNamespace())];
    node.start();
    await node.offers({ net: 1 });
    let { paths } = await node.allocate('net');
    for (let round = 0; round < 200; round += 1) {
      const pod = namespaces[round % 2] as NetworkNamespace;
      await assertOwnTap(node.namespace, device, paths[0]);
      // Does to the link what ADD does, and then ends the pod's containers. The ledger has no entry for this pod.
      await node.namespace.ip(`link set ${linkName(device)} netns ${pod.name} name net1 up`);
      node.release('net', [device]);
      const former = paths[0];
      ({ paths } = await node.allocate('net'));
      assert.notEqual(paths[0], former);
      await assertOwnTap(node.namespace, device, paths[0]);
      await pod.ip('link del net1');
      await assertOwnTap(node.namespace, device, paths[0]);
    }
  },
);

test('a container may start as long as its placeholder exists', options, async () => {
  await using node = await makeNode();
  node.start();
  await node.offers({ net: 1 });
  const allocation = await node.kubelet.allocate(resourceName, 1);
  await node.kubelet.startContainer(allocation);
  // A restarted container needs no new allocation.
  await node.kubelet.startContainer(allocation);

  const { ifindex } = await assertOwnTap(node.namespace, device, allocation.response.devices?.[0]?.host_path);
  const remake = (index: number) =>
    node.namespace.ip(`link add link eth0 name ${linkName(device)} index ${index} type macvtap mode bridge`);
  const refusal =
    /PreStartContainer rpc failed with err: .*netMvp0: \/dev\/tap\d+ is not the tap of mvt.*Delete the pod/;
  await node.namespace.ip(`link del ${linkName(device)}`);
  await assert.rejects(node.kubelet.startContainer(allocation), refusal);
  await remake(deviceIfindex(node.name, device, 3));
  await assert.rejects(node.kubelet.startContainer(allocation), refusal, 'a link with another device node');
  await node.namespace.ip(`link del ${linkName(device)}`);
  {
    await using _elsewhere = await occupy(ifindex);
    await remake(ifindex);
    await stat(`/dev/tap${ifindex}`);
    await assert.rejects(
      node.kubelet.startContainer(allocation),
      refusal,
      'a link whose device node belongs to another link',
    );
    await node.namespace.ip(`link del ${linkName(device)}`);
  }
  await node.namespace.ip(`link add link eth0 name foreign index ${ifindex} type macvtap mode bridge`);
  await assert.rejects(node.kubelet.startContainer(allocation), refusal, 'another link with its index');
});

test('a container with an unknown device may not start', options, async () => {
  await using node = await makeNode();
  node.start();
  await node.offers({ net: 1 });
  const stranger = { ...(await node.kubelet.allocate(resourceName, 1)), deviceIds: ['netMvp7'] };
  await assert.rejects(node.kubelet.startContainer(stranger), /netMvp7: this node has no record of its allocation/);
});
