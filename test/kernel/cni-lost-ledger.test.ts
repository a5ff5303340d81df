// SPDX-License-Identifier: Apache-2.0
// Tests that the node plugin restores held devices from kubelet and the kernel after its ledger was lost.
import assert from 'node:assert/strict';
import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { unknownContainer } from '../../nodeplugin/cni/attachments.ts';
import { forgetLostAttachments, restoreDevices } from '../../nodeplugin/cni/reconcile-attachments.ts';
import { deviceIfindex } from '../../policy/device/device-id.ts';
import { callPlugin, makeBareNode } from './cni-node.ts';
import { openCNIPlugin } from './cni-plugin.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const device = 'netMvp0';
const conf = { deviceID: device };
const signal = AbortSignal.timeout(180_000);
const vm = [{ namespace: 'vms', name: 'vm-a' }];
const held = { known: () => undefined, ask: async () => vm, wasListed: () => false };

type Node = Awaited<ReturnType<typeof makeBareNode>>;

function open({ directory, name: nodeName }: Node, holders?: typeof held) {
  return openCNIPlugin({ directory, nodeName, ...(holders !== undefined && { holders }) });
}

/**
 * Attaches a device, or only allocates it if `netns` is undefined. Then deletes the ledger. Returns the path of the
 * tap.
 */
async function lose(node: Node, netns?: string): Promise<string> {
  await using plugin = await open(node);
  const tapPath = await plugin.allocate(device);
  if (netns !== undefined) assert.equal((await callPlugin(node.directory, 'ADD', { netns, conf })).exitCode, 0);
  await plugin[Symbol.asyncDispose]();
  await rm(join(node.directory, 'ledger.json'));
  return tapPath;
}

test('an attached device is found in its pod, and CHECK, DEL and ADD work', options, async () => {
  await using node = await makeBareNode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await lose(node, pod.path);
  await using plugin = await open(node, held);
  assert.deepEqual(await restoreDevices([device, 'otherMvp3', 'strange'], plugin.context, signal), [device]);
  const record = plugin.ledger.get(device);
  assert.deepEqual(
    [record?.resource, record?.parent, record?.mode, record?.ifindex, record?.attempt],
    ['net', 'p0', 'bridge', deviceIfindex(node.name, device), 0],
  );
  assert.deepEqual(
    [record?.attachment?.containerID, record?.attachment?.ifname, record?.attachment?.netnsPath],
    [unknownContainer, 'net1', pod.path],
  );
  // A DEL for another sandbox, or without the namespace, must not affect this attachment.
  await callPlugin(node.directory, 'DEL', { containerID: 'other', conf });
  assert.equal((await callPlugin(node.directory, 'CHECK', { netns: pod.path, conf })).exitCode, 0);
  await callPlugin(node.directory, 'DEL', { netns: pod.path, conf });
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
  const { exitCode } = await callPlugin(node.directory, 'ADD', { netns: pod.path, containerID: 'c2', conf });
  assert.equal(exitCode, 0);
  assert.equal((await readTapOwner(tapPath)).name, 'net1');
  await callPlugin(node.directory, 'DEL', { containerID: 'c2', conf });
});

test('a DEL with another path of the same namespace does not remove the restored link', options, async () => {
  await using node = await makeBareNode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await lose(node, pod.path);
  await using plugin = await open(node, held);
  assert.deepEqual(await restoreDevices([device], plugin.context, signal), [device]);
  for (const netns of [
    `/proc/${process.pid}/root${pod.path}`,
    `/proc/self/root${pod.path}`,
    `/run/netns/../netns/${pod.name}`,
  ]) {
    assert.equal((await callPlugin(node.directory, 'DEL', { containerID: 'x', netns, conf })).exitCode, 0);
    assert.equal((await readTapOwner(tapPath)).name, 'net1');
  }
  // A runtime may pass a path below /var/run, which may be another folder in the node plugin's container.
  const netns = pod.path.replace('/run/', '/var/run/');
  assert.equal((await callPlugin(node.directory, 'CHECK', { netns, conf })).exitCode, 0);
  assert.equal((await callPlugin(node.directory, 'DEL', { netns, conf })).exitCode, 0);
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
});

test(
  'an ADD attaches a device that was only allocated, and one that was attached in another sandbox',
  options,
  async () => {
    for (const wasAttached of [false, true]) {
      await using node = await makeBareNode(here);
      await using before = await makeNetworkNamespace();
      await using pod = await makeNetworkNamespace();
      const tapPath = await lose(node, wasAttached ? before.path : undefined);
      await using plugin = await open(node, held);
      const { exitCode, output } = await callPlugin(node.directory, 'ADD', {
        netns: pod.path,
        containerID: 'new',
        conf,
      });
      assert.equal(exitCode, 0, JSON.stringify(output));
      assert.deepEqual(await before.ipJSON('link show type macvtap'), []);
      assert.equal((await readTapOwner(tapPath)).name, 'net1');
      assert.equal(plugin.ledger.get(device)?.attachment?.containerID, 'new');
      await callPlugin(node.directory, 'DEL', { containerID: 'new', conf });
    }
  },
);

test(
  'after a reboot and the loss of the ledger, an ADD uses the resources that the node offers now',
  options,
  async () => {
    await using node = await makeBareNode(here);
    await using pod = await makeNetworkNamespace();
    await using _plugin = await open(node, held);
    const { exitCode, output } = await callPlugin(node.directory, 'ADD', { netns: pod.path, conf });
    assert.equal(exitCode, 0, JSON.stringify(output));
    assert.equal((await readTapOwner(`/dev/tap${deviceIfindex(node.name, device)}`)).name, 'net1');
    await callPlugin(node.directory, 'DEL', { conf });
  },
);

test('a device that kubelet lists for no pod, or has not listed yet, is not attached', options, async () => {
  await using node = await makeBareNode(here);
  await using pod = await makeNetworkNamespace();
  for (const { holders, code, details } of [
    {
      holders: { known: () => [], ask: async () => [], wasListed: () => false },
      code: 100,
      details: 'DeviceNotAllocated',
    },
    {
      holders: { known: () => undefined, ask: async () => undefined, wasListed: () => false },
      code: 11,
      details: 'PodResourcesUnavailable',
    },
  ]) {
    await using _plugin = await openCNIPlugin({ directory: node.directory, nodeName: node.name, holders });
    const { output } = await callPlugin(node.directory, 'ADD', { netns: pod.path, conf });
    assert.deepEqual([output?.code, output?.details], [code, details]);
  }
  assert.deepEqual(await pod.ipJSON('link show type macvtap'), []);
});

test(
  'a DEL without a ledger removes the link in the namespace that the runtime names, and no other link',
  options,
  async () => {
    await using node = await makeBareNode(here);
    await using pod = await makeNetworkNamespace();
    const tapPath = await lose(node, pod.path);
    await pod.ip('link add x0 type veth peer name x1');
    await pod.ip('link add link x0 name net2 type macvtap mode bridge');
    await using _plugin = await open(node);
    for (const given of [
      { netns: '' },
      { netns: pod.path, ifname: 'net2' },
      { netns: pod.path, conf: { deviceID: 'netMvp1' } },
    ]) {
      assert.equal((await callPlugin(node.directory, 'DEL', { conf, ...given })).exitCode, 0);
      assert.equal((await pod.ipJSON('link show type macvtap')).length, 2);
    }
    await callPlugin(node.directory, 'DEL', { netns: pod.path, conf });
    await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
    assert.equal((await pod.ipJSON('link show type macvtap')).length, 1);
    await pod.ip('link del x0');
  },
);

test(
  'an attachment whose namespace was lost without a DEL is forgotten once its device is released',
  options,
  async () => {
    await using node = await makeBareNode(here);
    await using plugin = await open(node);
    await using alive = await makeNetworkNamespace();
    await plugin.allocate(device);
    await plugin.allocate('netMvp1');
    {
      await using gone = await makeNetworkNamespace();
      await callPlugin(node.directory, 'ADD', { netns: gone.path, conf });
    }
    await callPlugin(node.directory, 'ADD', { netns: alive.path, containerID: 'c2', conf: { deviceID: 'netMvp1' } });
    assert.deepEqual(await forgetLostAttachments(() => true, plugin.context, signal), []);
    assert.deepEqual(await forgetLostAttachments(() => false, plugin.context, signal), [device]);
    assert.equal(plugin.ledger.get(device)?.attachment, undefined);
    assert.ok(plugin.ledger.get('netMvp1')?.attachment);
    await callPlugin(node.directory, 'DEL', { containerID: 'c2', conf: { deviceID: 'netMvp1' } });
  },
);
