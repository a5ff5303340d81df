// SPDX-License-Identifier: Apache-2.0
// Tests a parent that is renamed while pods use it, and another interface that gets its old name.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAttached, device } from './attached-pod.ts';
import { type CNINode, makeCNINode } from './cni-node.ts';
import { makeNetworkNamespace, type NetworkNamespace, needsRoot } from './network-namespace.ts';
import { runInNamespace } from './run-in-namespace.ts';

const { here } = await runInNamespace(import.meta.filename);
const options = { skip: needsRoot };
const conf = { deviceID: device };

async function ifindexOf(name: string): Promise<number> {
  const [shown] = await here.ipJSON<{ ifindex: number }>(`link show ${name}`);
  return shown?.ifindex ?? assert.fail(`no ${name}`);
}

/** Returns the index of the parent of a pod's link on the node. */
async function parentOf(pod: NetworkNamespace): Promise<number | undefined> {
  const [shown] = await pod.ipJSON<{ link_index?: number }>('link show net1');
  return shown?.link_index;
}

/** Renames p0 to lan0, and gives the name p0 to another interface. */
async function swapNames(node: CNINode): Promise<AsyncDisposable> {
  await here.ip('link set p0 down');
  await here.ip('link set p0 name lan0');
  await here.ip('link set lan0 up');
  await here.ip('link add p0 type veth peer name stranger');
  await here.ip('link set p0 up');
  await node.look();
  return {
    async [Symbol.asyncDispose]() {
      await here.ip('link del lan0');
    },
  };
}

test(
  'a device whose parent was renamed after its Allocate is attached to that parent, and not to the new p0',
  options,
  async () => {
    await using node = await makeCNINode(here);
    await using pod = await makeNetworkNamespace();
    const tapPath = await node.allocate(device);
    await using _names = await swapNames(node);
    assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
    await assertAttached(node, pod, tapPath);
    assert.equal(await parentOf(pod), await ifindexOf('lan0'));
  },
);

test('a pod whose parent was renamed passes CHECK, and its next sandbox is on the same parent', options, async () => {
  await using node = await makeCNINode(here);
  await using pod = await makeNetworkNamespace();
  await using next = await makeNetworkNamespace();
  const tapPath = await node.allocate(device);
  await node.call('ADD', { netns: pod.path, conf });
  await using _names = await swapNames(node);
  assert.deepEqual(await node.call('CHECK', { netns: pod.path, conf }), { exitCode: 0, output: undefined });
  assert.equal((await node.call('ADD', { netns: pod.path, conf })).exitCode, 0);
  assert.equal(await parentOf(pod), await ifindexOf('lan0'));
  await node.call('DEL', { netns: pod.path, conf });
  assert.equal(node.ledger.get(device)?.parent, 'lan0');
  assert.equal((await node.call('ADD', { netns: next.path, containerID: 'c2', conf })).exitCode, 0);
  await assertAttached(node, next, tapPath);
  assert.equal(await parentOf(next), await ifindexOf('lan0'));
});
