// SPDX-License-Identifier: Apache-2.0
// Tests a device that kubelet released while its link is still in a sandbox, because the runtime did not call DEL.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached, assertNothingLeft } from './attached-link.ts';
import { statedAs, untilState } from './read-node-state.ts';
import { makeShimNode, needsRealShim, readRecords } from './shim-node.ts';

const options = { skip: needsRealShim };

test('it is reported while the sandbox exists, and removed once the sandbox is gone', options, async () => {
  await using node = await makeShimNode();
  const plugin = node.run();
  await node.offers({ net: 2 });
  const { id, tapPath, allocation } = await node.admit();
  {
    await using pod = await makeNetworkNamespace();
    const call = { netns: pod.path, containerID: 'sandbox-1', podUID: 'uid-1', conf: { deviceID: id } };
    assert.equal((await node.call('ADD', call)).exitCode, 0);
    const before = await assertAttached(pod, tapPath);
    node.kubelet.release(allocation);
    assert.match(
      await plugin.waitForLine(/"kubelet released a device whose link is still in a sandbox; end that sandbox"/),
      /"device":"netMvp0","pod":"vms\/vm-a","containerID":"sandbox-1","ifname":"net1"/,
    );
    await untilState(node, ({ resources }) => statedAs(resources, 'net') === 'Degraded AttachmentsStranded');
    // The pod keeps its link.
    assert.deepEqual(await assertAttached(pod, tapPath), before);
    assert.deepEqual(Object.keys(await readRecords(node)), [id]);
  }
  await plugin.waitForLine(/"device":"netMvp0","msg":"a released device is no longer in a sandbox"/);
  await untilState(node, ({ resources }) => statedAs(resources, 'net') === 'Healthy');
  await plugin.waitForLine(/netMvp0.*orphan removed/);
  await assertNothingLeft(tapPath, node.namespace);
  assert.deepEqual(await readRecords(node), {});
  await plugin.stop();
  for (const message of [/still in a sandbox/g, /no longer in a sandbox/g, /orphan removed/g]) {
    assert.equal(plugin.output.match(message)?.length, 1, String(message));
  }
});

test('after a restart it is still reported, and a device of an init container is not', options, async () => {
  await using node = await makeShimNode();
  const before = node.run();
  await node.offers({ net: 2 });
  await using pod = await makeNetworkNamespace();
  await using other = await makeNetworkNamespace();
  const { id, allocation } = await node.admit('vm-a');
  const add = { pod: 'vm-a', containerID: 'sandbox-1', netns: pod.path, conf: { deviceID: id } };
  assert.equal((await node.call('ADD', add)).exitCode, 0);
  // Kubelet does not list the devices of ordinary init containers as held.
  node.list = (held) => held.filter(({ holder }) => holder.name !== 'init');
  const init = await node.admit('init');
  const addInit = { pod: 'init', containerID: 'sandbox-2', netns: other.path, conf: { deviceID: init.id } };
  assert.equal((await node.call('ADD', addInit)).exitCode, 0);
  await before.stop();
  node.kubelet.release(allocation);
  const plugin = node.run();
  await plugin.waitForLine(/"kubelet released a device whose link is still in a sandbox/);
  await node.call('DEL', add);
  await plugin.waitForLine(/"device":"netMvp0","msg":"a released device is no longer in a sandbox"/);
  assert.doesNotMatch(plugin.output, /sandbox-2/);
  await assertAttached(other, init.tapPath);
});
