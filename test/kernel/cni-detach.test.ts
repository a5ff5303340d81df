// SPDX-License-Identifier: Apache-2.0
// Tests that DEL removes exactly its own attachment, even if little information is left to find it.
import assert from 'node:assert/strict';
import { lstat } from 'node:fs/promises';
import { test } from 'node:test';
import type { CNIContext } from '../../nodeplugin/cni/cni-context.ts';
import { handleRequest } from '../../nodeplugin/cni/handle-request.ts';
import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { assertAttached, device, shownIn } from './attached-pod.ts';
import { makeCNINode, toShimCall } from './cni-node.ts';
import { noRights } from './cni-plugin.ts';
import { makeNetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const conf = { deviceID: device };

test(
  'DEL removes the link and its device node before it returns, keeps the device in the ledger, and can be repeated',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    await node.call('ADD', { netns: pod.path, conf });
    const entry = node.ledger.get(device);
    for (let round = 0; round < 2; round += 1) {
      assert.deepEqual(await node.call('DEL', { netns: pod.path, conf }), { exitCode: 0, output: undefined });
      await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
      assert.equal(await shownIn(pod), undefined);
      const { attachment, lastUsed, ...left } = node.ledger.get(device) ?? {};
      assert.equal(attachment, undefined);
      assert.deepEqual({ ...entry, ...left }, entry);
    }
    assert.deepEqual(node.troubles, []);
  },
);

test('a late second DEL for the earlier sandbox, without a namespace, does nothing', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, containerID: 'old', conf });
  await node.call('DEL', { netns: pod.path, containerID: 'old', conf });
  await node.call('ADD', { netns: pod.path, containerID: 'new', conf });
  assert.equal((await node.call('DEL', { netns: '', containerID: 'old', conf })).exitCode, 0);
  assert.equal((await node.call('DEL', { netns: '', containerID: 'new', ifname: 'net2', conf })).exitCode, 0);
  await assertAttached(node, pod, tapPath);
});

test(
  'DEL finds its link without a namespace, with an unreadable configuration, or with the wrong device',
  options,
  async () => {
    for (const given of [
      { netns: '' },
      { netns: '', conf: { name: 7, ipam: 'x' } },
      { conf: { deviceID: 'otherMvp1' } },
    ]) {
      await using node = await makeCNINode(here);
      await using pod = await makeNetworkNamespace();
      await node.allocate(device);
      await node.call('ADD', { netns: pod.path, conf });
      assert.equal((await node.call('DEL', given)).exitCode, 0);
      assert.equal(await shownIn(pod), undefined);
      assert.equal(node.ledger.get(device)?.attachment, undefined);
    }
  },
);

test('DEL finds its link by its parent, if the pod changed the name and the address', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  await pod.ip('link set net1 down');
  await pod.ip('link set net1 name mine');
  await pod.ip('link set mine address 52:54:00:01:02:03');
  assert.equal((await node.call('DEL', { netns: pod.path, conf })).exitCode, 0);
  assert.equal(await shownIn(pod, 'mine'), undefined);
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
  // A foreign link with the same index, on another parent, is not removed.
  await node.call('ADD', { netns: pod.path, conf });
  await pod.ip('link del net1');
  await pod.ip('link add o0 type veth peer name o1');
  await pod.ip(`link add link o0 name foreign index ${deviceIfindex(node.name, device)} type macvtap`);
  assert.equal((await node.call('DEL', { netns: pod.path, conf })).exitCode, 0);
  assert.ok(await shownIn(pod, 'foreign'));
  await pod.ip('link del o0');
});

test('a missing namespace blocks neither DEL nor the next ADD', options, async () => {
  await using node = await makeCNINode(here);
  const tapPath = await node.allocate(device);
  {
    await using gone = await makeNetworkNamespace();
    await node.call('ADD', { netns: gone.path, containerID: 'gone', conf });
  }
  assert.equal((await node.call('DEL', { netns: '', containerID: 'gone', conf })).exitCode, 0);
  assert.equal(node.ledger.get(device)?.attachment, undefined);
  await using pod = await makeNetworkNamespace();
  const { exitCode, output } = await node.call('ADD', { netns: pod.path, conf });
  assert.equal(exitCode, 0, JSON.stringify(output));
  await assertAttached(node, pod, tapPath);
});

test('a DEL that waits for a device stops when its caller disconnects', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await node.allocate(device);
  const gate = Promise.withResolvers<void>();
  const holding = node.context.lock.run([linkName(device)], () => gate.promise);
  const { environment, conf: given } = toShimCall('DEL', { netns: pod.path, conf });
  const request = { environment: new Map(Object.entries(environment)), stdin: Buffer.from(JSON.stringify(given)) };
  const steps: string[] = [];
  const context: CNIContext = { ...node.context, onStep: (step, outcome) => void steps.push(`${step} ${outcome}`) };
  const { output } = await handleRequest(request, noRights, context, AbortSignal.timeout(50));
  assert.equal(JSON.parse(output).details, 'Aborted');
  assert.deepEqual(steps, ['wait failed'], 'a failed wait is also reported');
  gate.resolve();
  await holding;
});

test(
  'a DEL at the same time as the ADD of its attachment leaves either nothing, or a link that is in the ledger',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    await node.allocate(device);
    for (let round = 0; round < 10; round += 1) {
      await Promise.all([node.call('ADD', { netns: pod.path, conf }), node.call('DEL', { netns: pod.path, conf })]);
      assert.equal((await shownIn(pod)) !== undefined, node.ledger.get(device)?.attachment !== undefined);
    }
  },
);
