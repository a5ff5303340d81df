// SPDX-License-Identifier: Apache-2.0
// Tests which pod a device belongs to while kubelet lists it for no pod. This concerns devices of ordinary init
// containers, and all devices of a kubelet that has just started.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { type CNINode, makeCNINode, toShimCall } from './cni-node.ts';
import { noRights } from './cni-plugin.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const device = 'netMvp0';
const conf = { deviceID: device };
const noPod = { known: () => [], ask: async () => [], wasListed: () => false };
const notListed = { known: () => undefined, ask: async () => undefined, wasListed: () => false };
const first = { namespace: 'vms', name: 'vm-a' };
const argsOf = (pod: string) => `K8S_POD_NAMESPACE=vms;K8S_POD_NAME=${pod}`;

/** Calls ADD for a pod. Returns `attached` or the error code. */
async function add(node: CNINode, pod: string, { path }: NetworkNamespace, args = argsOf(pod)) {
  const { exitCode, output } = await node.call('ADD', { netns: path, containerID: pod, args, conf });
  return exitCode === 0 ? 'attached' : output?.details;
}

async function linksOf(...namespaces: readonly NetworkNamespace[]) {
  const shown = await Promise.all(namespaces.map((each) => each.ipJSON<{ ifname: string }>('link show type macvtap')));
  return shown.map((links) => links.map(({ ifname }) => ifname).join());
}

for (const { title, holders, gone } of [
  { title: 'lists for no pod', holders: noPod, gone: 'DeviceNotAllocated' },
  { title: 'has not listed yet', holders: notListed, gone: 'PodResourcesUnavailable' },
]) {
  test(`a device that kubelet ${title} belongs to the first pod, until it is allocated again`, options, async () => {
    await using node = await makeCNINode(here, { holders });
    await using pod = await makeNetworkNamespace();
    await using thief = await makeNetworkNamespace();
    await node.allocate(device);
    assert.equal(await add(node, 'vm-a', pod), 'attached');
    assert.equal(node.ledger.get(device)?.pod, 'vms/vm-a');
    const refused = holders === noPod ? 'DeviceHeldElsewhere' : gone;
    for (const args of [argsOf('thief'), 'IgnoreUnknown=1']) {
      assert.equal(await add(node, 'thief', thief, args), refused);
    }
    assert.deepEqual(await linksOf(pod, thief), ['net1', '']);
    // The pod's sandbox is recreated, once after a DEL and once without.
    await node.call('DEL', { netns: pod.path, containerID: 'vm-a', conf });
    assert.equal(await add(node, 'thief', thief), gone);
    await using successor = await makeNetworkNamespace();
    assert.equal(await add(node, 'vm-a', successor), 'attached');
    assert.equal(await add(node, 'vm-a', pod), 'attached');
    assert.deepEqual(await linksOf(pod, successor, thief), ['net1', '', '']);
    await node.call('DEL', { netns: pod.path, containerID: 'vm-a', conf });
    await node.allocate(device);
    assert.equal(await add(node, 'vm-b', thief), 'attached');
  });
}

for (const { title, holders, refused } of [
  { title: 'lists for no pod', holders: noPod, refused: 'DeviceNotAllocated' },
  { title: 'has not listed yet', holders: notListed, refused: 'PodResourcesUnavailable' },
  {
    title: 'still lists for the first pod',
    holders: { ...noPod, known: () => [first], ask: async () => [first] },
    refused: 'DeviceHeldElsewhere',
  },
]) {
  test(`a pod does not get a device that kubelet ${title} through the name of an earlier pod`, options, async () => {
    await using node = await makeCNINode(here, { holders });
    await using pod = await makeNetworkNamespace();
    await using next = await makeNetworkNamespace();
    await node.allocate(device);
    assert.equal(await add(node, 'vm-a', pod, `${argsOf('vm-a')};K8S_POD_UID=uid-1`), 'attached');
    await node.call('DEL', { netns: pod.path, containerID: 'vm-a', conf });
    assert.equal(node.ledger.get(device)?.podUID, 'uid-1');
    assert.equal(await add(node, 'again', next, `${argsOf('vm-a')};K8S_POD_UID=uid-2`), refused);
    assert.deepEqual(await linksOf(pod, next), ['', '']);
    assert.equal(await add(node, 'again', next, `${argsOf('vm-a')};K8S_POD_UID=uid-1`), 'attached');
    await node.call('DEL', { netns: next.path, containerID: 'again', conf });
    await node.allocate(device);
    assert.equal(await add(node, 'other', next, `${argsOf('vm-a')};K8S_POD_UID=uid-2`), 'attached');
  });
}

test('a failed ADD keeps the UID of the last pod that had the device', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await using next = await makeNetworkNamespace();
  await node.allocate(device);
  const args = `${argsOf('vm-a')};K8S_POD_UID=uid-1`;
  assert.equal(await add(node, 'vm-a', pod, args), 'attached');
  // The pod's sandbox was lost without a DEL. The kernel refuses the MTU of the next ADD.
  const failing = { netns: next.path, containerID: 'again', args, conf: { ...conf, mtu: 65_000 } };
  assert.equal((await node.call('ADD', failing)).output?.details, 'MTUAboveParent');
  assert.equal(await add(node, 'thief', next, `${argsOf('vm-a')};K8S_POD_UID=uid-2`), 'DeviceNotAllocated');
  assert.equal(await add(node, 'again', next, args), 'attached');
});

test('a device that kubelet no longer lists does not belong to its last pod any more', options, async () => {
  let listed: readonly (typeof first)[] = [first];
  const holders = { known: () => listed, ask: async () => listed, wasListed: () => false };
  await using node = await makeCNINode(here, { holders });
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  assert.equal(await add(node, 'vm-a', pod), 'attached');
  assert.equal(node.ledger.get(device)?.listed, true);
  await node.call('DEL', { netns: pod.path, containerID: 'vm-a', conf });
  listed = [];
  assert.equal(await add(node, 'again', pod), 'DeviceNotAllocated');
  await node.allocate(device);
  assert.equal(node.ledger.get(device)?.listed, undefined);
  assert.equal(await add(node, 'vm-b', pod), 'attached');
});

test(
  'a device that an older ledger lists without a pod is attached if it is in no other sandbox',
  options,
  async () => {
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
  },
);

test(
  'an ADD for a device that is missing in the ledger is to be repeated while the node has no plan yet',
  options,
  async () => {
    const pods = [{ namespace: 'vms', name: 'vm-a' }];
    await using node = await makeCNINode(here, {
      holders: { known: () => pods, ask: async () => pods, wasListed: () => false },
    });
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
        const { output } = await handleRequest(request, noRights, context, AbortSignal.timeout(60_000));
        const { code, details, msg } = JSON.parse(output);
        codes.push([code, details, /has no plan for this node yet: see its log; kubelet tries again$/.test(msg)]);
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
