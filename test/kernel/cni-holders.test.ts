// SPDX-License-Identifier: Apache-2.0
// Whose a device is where kubelet names nobody: it lists no devices of ordinary init containers, and nothing while it is young.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CNINode, makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const device = 'netMvp0';
const conf = { deviceID: device };
const nobody = { known: () => [], ask: async () => [] };
const notSaid = { known: () => undefined, ask: async () => undefined };
const argsOf = (pod: string) => `K8S_POD_NAMESPACE=vms;K8S_POD_NAME=${pod}`;

/** ADD for a pod; the code of its error, if it fails. */
async function add(node: CNINode, pod: string, { path }: NetworkNamespace, args = argsOf(pod)) {
  const { exitCode, output } = await node.call('ADD', { netns: path, containerID: pod, args, conf });
  return exitCode === 0 ? 'attached' : output?.details;
}

async function linksOf(...namespaces: readonly NetworkNamespace[]) {
  const shown = await Promise.all(namespaces.map((each) => each.ipJSON<{ ifname: string }>('link show type macvtap')));
  return shown.map((links) => links.map(({ ifname }) => ifname).join());
}

for (const { title, holders, gone } of [
  { title: 'lists for nobody', holders: nobody, gone: 'DeviceNotAllocated' },
  { title: 'says nothing of yet', holders: notSaid, gone: 'PodResourcesUnavailable' },
]) {
  test(`a device that kubelet ${title} is the pod's that came first, until it is allocated anew`, options, async () => {
    await using node = await makeCNINode(here, { holders });
    await using pod = await makeNetworkNamespace();
    await using thief = await makeNetworkNamespace();
    await node.allocate(device);
    assert.equal(await add(node, 'vm-a', pod), 'attached');
    assert.equal(node.ledger.get(device)?.pod, 'vms/vm-a');
    const refused = holders === nobody ? 'DeviceHeldElsewhere' : gone;
    for (const args of [argsOf('thief'), 'IgnoreUnknown=1']) {
      assert.equal(await add(node, 'thief', thief, args), refused);
    }
    assert.deepEqual(await linksOf(pod, thief), ['net1', '']);
    // Its sandbox is made anew, with a DEL and without.
    await node.call('DEL', { netns: pod.path, containerID: 'vm-a', conf });
    assert.equal(await add(node, 'thief', thief), gone);
    await using anew = await makeNetworkNamespace();
    assert.equal(await add(node, 'vm-a', anew), 'attached');
    assert.equal(await add(node, 'vm-a', pod), 'attached');
    assert.deepEqual(await linksOf(pod, anew, thief), ['net1', '', '']);
    await node.call('DEL', { netns: pod.path, containerID: 'vm-a', conf });
    await node.allocate(device);
    assert.equal(await add(node, 'vm-b', thief), 'attached');
  });
}

test('what a ledger of before does not name a pod for is attached where no other sandbox has it', options, async () => {
  await using node = await makeCNINode(here);
  await using other = await makeNetworkNamespace();
  await node.allocate(device);
  {
    await using pod = await makeNetworkNamespace();
    assert.equal(await add(node, 'vm-a', pod, 'IgnoreUnknown=1'), 'attached');
    assert.equal(node.ledger.get(device)?.pod, undefined);
    assert.equal(await add(node, 'vm-b', other), 'DeviceHeldElsewhere');
    assert.deepEqual(await linksOf(pod, other), ['net1', '']);
  }
  assert.equal(await add(node, 'vm-b', other), 'attached');
});
