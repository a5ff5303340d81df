// SPDX-License-Identifier: Apache-2.0
// Tests links of running pods that another program deletes or changes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached } from './attached-link.ts';
import { statedAs, untilState } from './read-node-state.ts';
import { makeShimNode, needsRealShim } from './shim-node.ts';

const options = { skip: needsRealShim };

test('a link that was deleted in its pod is lost until the pod is attached again', options, async () => {
  await using node = await makeShimNode();
  const plugin = node.run();
  await node.offers({ net: 2 });
  const { id, tapPath } = await node.admit();
  await using pod = await makeNetworkNamespace();
  const call = { netns: pod.path, podUID: 'uid-1', conf: { deviceID: id } };
  assert.equal((await node.call('ADD', call)).exitCode, 0);
  // Unloading the module macvtap deletes links in the same way.
  await pod.ip('link del net1');
  const { resources } = await untilState(node, (state) => statedAs(state.resources, 'net') === 'Degraded LinksLost');
  assert.equal(resources?.[0]?.lost, 1);
  await node.lists('net', ['!netMvp0', 'netMvp1']);
  const line = await plugin.waitForLine(/"a link in a sandbox was deleted; delete its pod to attach it again"/);
  assert.match(line, /"device":"netMvp0","pod":"vms\/vm-a","containerID":"c1","ifname":"net1"/);
  assert.equal((await node.call('ADD', call)).exitCode, 0);
  await assertAttached(pod, tapPath);
  await untilState(node, (state) => statedAs(state.resources, 'net') === 'Healthy');
  await node.lists('net', ['netMvp0', 'netMvp1']);
});

test('a link whose parent got a lower MTU keeps it, which the state shows until it is raised', options, async () => {
  await using node = await makeShimNode();
  const plugin = node.run();
  await node.offers({ net: 2 });
  const { id } = await node.admit();
  await using pod = await makeNetworkNamespace();
  assert.equal((await node.call('ADD', { netns: pod.path, conf: { deviceID: id } })).exitCode, 0);
  await node.namespace.ip('link set p0 mtu 1400');
  await untilState(node, (state) => statedAs(state.resources, 'net') === 'Degraded MtuLowered');
  await node.namespace.ip('link set p0 mtu 1500');
  const line = await plugin.waitForLine(/"the MTU of a link in a sandbox was lowered/);
  assert.match(line, /"device":"netMvp0".*"mtu":1400,"before":1500/);
  // A higher MTU of the parent does not restore the MTU of the link.
  const { resources } = await untilState(node, ({ interfaces }) => interfaces?.[0]?.mtu === 1500);
  assert.deepEqual([statedAs(resources, 'net'), resources?.[0]?.mtuLowered], ['Degraded MtuLowered', 1]);
  await pod.ip('link set net1 mtu 1500');
  await untilState(node, (state) => statedAs(state.resources, 'net') === 'Healthy');
});
