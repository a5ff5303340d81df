// SPDX-License-Identifier: Apache-2.0
// Whose a device is where kubelet names nobody: it lists no devices of ordinary init containers, and nothing while it is young.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { type CNINode, makeCNINode, toShimCall } from './cni-node.ts';
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

test(
  'a device that the ledger lost is to be tried again while what the node offers is not known',
  options,
  async () => {
    const pods = [{ namespace: 'vms', name: 'vm-a' }];
    await using node = await makeCNINode(here, { holders: { known: () => pods, ask: async () => pods } });
    await using pod = await makeNetworkNamespace();
    const answers = async (isPlanKnown: boolean) => {
      const context = { ...node.context, resources: () => new Map(), isPlanKnown: () => isPlanKnown };
      const codes: unknown[] = [];
      for (const deviceID of [device, '']) {
        const { environment, conf: given } = toShimCall('ADD', { netns: pod.path, conf: { deviceID } });
        const request = {
          environment: new Map(Object.entries(environment)),
          stdin: Buffer.from(JSON.stringify(given)),
        };
        const { output } = await handleRequest(request, async () => {}, context, AbortSignal.timeout(60_000));
        const { code, details, msg } = JSON.parse(output);
        codes.push([code, details, /not known yet: see the node plugin's log; it is tried again$/.test(msg)]);
      }
      return codes;
    };
    assert.deepEqual(await answers(false), [
      [11, 'PlanUnknown', true],
      [11, 'PlanUnknown', true],
    ]);
    assert.deepEqual(await answers(true), [
      [100, 'DeviceNotAllocated', false],
      [100, 'DeviceMissing', false],
    ]);
  },
);
