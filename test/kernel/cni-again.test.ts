// SPDX-License-Identifier: Apache-2.0
// Tests ADD for a device that was attached before: after its sandbox was lost, after a reboot, and next to leftovers.
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { checkBeforeStart } from '../../nodeplugin/deviceplugin/resource-handlers.ts';
import { deviceIfindex } from '../../policy/device/device-id.ts';
import { admitAll } from '../fixtures/admission/admit-all.ts';
import { assertAttached, device, interfaceOf, shownIn } from './attached-pod.ts';
import { makeCNINode, toShimCall } from './cni-node.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const conf = { deviceID: device };

test(
  'a recreated sandbox gets the same index, device node and MAC address, without an Allocate, 20 times',
  options,
  async () => {
    await using node = await makeCNINode(here);
    const tapPath = await node.allocate(device);
    const macs = new Set<unknown>();
    await using pod = await makeNetworkNamespace();
    for (let round = 0; round < 20; round += 1) {
      const containerID = `sandbox${round}`;
      const { exitCode, output } = await node.call('ADD', { netns: pod.path, containerID, conf });
      assert.equal(exitCode, 0, JSON.stringify(output));
      macs.add(interfaceOf(output)?.mac);
      await assertAttached(node, pod, tapPath);
      await node.call('DEL', { netns: pod.path, containerID, conf });
    }
    assert.equal(macs.size, 1);
  },
);

test('the link of a sandbox that was lost without a DEL is removed by the next ADD of its pod', options, async () => {
  const holders = { known: () => [], ask: async () => [{ namespace: 'vms', name: 'vm-a' }], wasListed: () => false };
  await using node = await makeCNINode(here, { holders });
  const tapPath = await node.allocate(device);
  await using lost = await makeNetworkNamespace();
  await using pod = await makeNetworkNamespace();
  await node.call('ADD', { netns: lost.path, containerID: 'lost', conf });
  const { exitCode } = await node.call('ADD', { netns: pod.path, containerID: 'new', conf });
  assert.equal(exitCode, 0);
  assert.equal(await shownIn(lost), undefined);
  await assertAttached(node, pod, tapPath);
});

test('a link in a namespace without a path, which a process keeps alive, is found and removed', options, async () => {
  await using node = await makeCNINode(here);
  const tapPath = await node.allocate(device);
  const hidden = await makeNetworkNamespace();
  const process = hidden.spawn('sleep', ['60']);
  try {
    await node.call('ADD', { netns: hidden.path, containerID: 'hidden', conf });
    // `ip netns del` removes the mount, as a runtime does. The process keeps the namespace.
    await here.ip(`netns del ${hidden.name}`);
    assert.ok((await stat(tapPath)).isCharacterDevice(), 'the process keeps it');
    await using pod = await makeNetworkNamespace();
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
    assert.equal(exitCode, 0, JSON.stringify(output));
    await assertAttached(node, pod, tapPath);
  } finally {
    process.kill();
  }
});

test(
  'after a reboot, when all links are gone and parents have other indexes, ADD restores the link that the pod had',
  options,
  async () => {
    await using node = await makeCNINode(here);
    const tapPath = await node.allocate(device);
    let mac: unknown;
    {
      await using before = await makeNetworkNamespace();
      mac = interfaceOf((await node.call('ADD', { netns: before.path, conf })).output)?.mac;
    }
    await here.ip('link del p0');
    await here.ip('link add other type veth peer name other1');
    await here.ip('link add p0 type veth peer name p1');
    await here.ip('link set p0 up');
    await node.look();
    await using pod = await makeNetworkNamespace();
    const { exitCode, output } = await node.call('ADD', { netns: pod.path, containerID: 'c2', conf });
    assert.equal(exitCode, 0, JSON.stringify(output));
    assert.equal(interfaceOf(output)?.mac, mac);
    await assertAttached(node, pod, tapPath);
    await here.ip('link del other');
  },
);

test(
  'a device node that already belongs to another link is refused by ADD and by the check before the start',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await using other = await makeNetworkNamespace();
    await other.ip('link add o0 type veth peer name o1');
    const tapPath = await node.allocate(device);
    const ifindex = deviceIfindex(node.name, device);
    const { createMacvtap } = node.context.links;
    const beaten = {
      ...node.context,
      links: {
        ...node.context.links,
        createMacvtap: async (...given: Parameters<typeof createMacvtap>) => {
          await other.ip(`link add link o0 name foreign index ${ifindex} type macvtap`);
          await createMacvtap(...given);
        },
      },
    };
    const { environment, conf: given } = toShimCall('ADD', { netns: pod.path, conf });
    const request = {
      environment: new Map(Object.entries(environment)),
      stdin: Buffer.from(JSON.stringify(given)),
    };
    const owned: unknown[] = [];
    const own = async (tap: unknown) => void owned.push(tap);
    const { exitCode, output } = await handleRequest(
      request,
      { own, lendNetlink: async () => assert.fail() },
      beaten,
      AbortSignal.timeout(60_000),
    );
    const { code, details, msg } = JSON.parse(output);
    assert.deepEqual([exitCode, code, details, owned], [1, 11, 'TapNodeTaken', []]);
    assert.match(msg, /belongs to link foreign with ifindex \d+, not to net1; kubelet tries again$/);
    assert.equal(await shownIn(pod), undefined);
    assert.deepEqual(await readTapOwner(tapPath).then(({ name }) => name), 'foreign');
    await other.ip('link del foreign');

    // Another program recreates the attached link with the same index, while a foreign link has that index and the
    // device node. The check before the container's start must notice.
    assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
    const start = () => checkBeforeStart(device, allocateContext, AbortSignal.timeout(60_000));
    const allocateContext = {
      nodeName: node.name,
      ledger: node.ledger,
      links: node.context.links,
      findInterface: () => undefined,
      admission: admitAll,
    };
    await start();
    const { mac = '' } = node.ledger.get(device)?.attachment ?? {};
    await pod.ip('link del net1');
    await other.ip(`link add link o0 name foreign index ${ifindex} type macvtap`);
    await pod.ip('link add x0 type veth peer name x1');
    await pod.ip(`link add link x0 name net1 address ${mac} index ${ifindex} type macvtap mode bridge`);
    await assert.rejects(start(), { code: 'TapNodeUnusable', message: /the node belongs to another link/ });
    for (const namespace of [pod, other]) await namespace.ip(namespace === pod ? 'link del x0' : 'link del o0');
  },
);
