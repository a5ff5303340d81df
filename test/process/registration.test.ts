// SPDX-License-Identifier: Apache-2.0
// Tests registration with obstacles: another plugin serves the resource, or kubelet refuses or is slow.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '../kernel/network-namespace.ts';
import type { KubeletOptions } from '../kubelet/start-kubelet.ts';
import { makePluginNode, type PluginNode, policyObject } from './plugin-node.ts';
import { statedAs, untilState } from './read-node-state.ts';

const options = { skip: needsRoot };

async function makeNode(onRegister: KubeletOptions['onRegister'] = () => {}): Promise<PluginNode> {
  const node = await makePluginNode(['eth0', 'eth1'], {}, { onRegister });
  const parentSelector = ['net', 'other'].map((resourceName, index) => ({
    parentIface: `eth${index}`,
    quantity: 2,
    resourceName,
  }));
  await node.write('p.yaml', policyObject('p', { parentSelector }));
  return node;
}

test(
  "a resource that upstream's plugin serves is not registered, which is logged, until that plugin is gone",
  options,
  async () => {
    await using node = await makeNode();
    const path = join(node.kubelet.directory, 'macvtap.network.kubevirt.io_net');
    const upstream = createServer().listen(path);
    await once(upstream, 'listening');
    const plugin = node.start();
    const line = await plugin.waitForLine(/UpstreamPluginRunning/);
    assert.match(line, /another macvtap device plugin serves it on .*macvtap\.network\.kubevirt\.io_net; remove/);
    await node.offers({ other: 2 });
    assert.equal(node.kubelet.resource('macvtap.network.kubevirt.io/net'), undefined);
    await untilState(node, ({ resources }) => statedAs(resources, 'net') === 'Unhealthy UpstreamPluginRunning');
    upstream.close();
    await once(upstream, 'close');
    await node.offers({ net: 2, other: 2 });
    await untilState(node, ({ resources }) => statedAs(resources, 'net') === 'Healthy');
  },
);

test("a socket that upstream's plugin left behind does not block the registration", options, async () => {
  await using node = await makeNode();
  const path = join(node.kubelet.directory, 'macvtap.network.kubevirt.io_net');
  const left =
    'const s = require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, 9))';
  const child = node.namespace.spawn(process.execPath, ['-e', left, path]);
  await once(child, 'exit');
  node.start();
  await node.offers({ net: 2, other: 2 });
});

test('a kubelet that refuses is quoted and called again, and other resources do not wait for it', options, async () => {
  let refusals = 3;
  await using node = await makeNode(({ resource_name }) => {
    if (resource_name.endsWith('/net') && refusals-- > 0) throw new Error('the resource is not welcome');
  });
  const plugin = node.start();
  await plugin.waitForLine(/the resource is not welcome/);
  await node.offers({ net: 2, other: 2 });
  assert.equal(node.kubelet.resource('macvtap.network.kubevirt.io/net')?.registrations, 1);
  await node.allocate('net');
});

test('a registration waits for a slow kubelet, and other resources do not wait for it', options, async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using node = await makeNode(({ resource_name }) => {
    if (!resource_name.endsWith('/net')) return undefined;
    asked.resolve();
    return answer.promise;
  });
  const plugin = node.start();
  await asked.promise;
  await node.offers({ other: 2 });
  await node.allocate('other');
  answer.resolve();
  await node.offers({ net: 2, other: 2 });
  assert.equal(node.kubelet.resource('macvtap.network.kubevirt.io/net')?.registrations, 1);
  assert.deepEqual(await plugin.stop(), { code: 0, signal: null });
});
