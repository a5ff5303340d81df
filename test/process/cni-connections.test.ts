// SPDX-License-Identifier: Apache-2.0
// Tests connections that never send a request, and a node plugin with few file descriptors.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached } from './attached-link.ts';
import { openRawSocket } from './raw-socket.ts';
import { makeShimNode, needsRealShim, type ShimNode } from './shim-node.ts';
import { type RunningProcess, startProcess } from './start-process.ts';

const options = { skip: needsRealShim };

/** How many callers connect: more than the node plugin has descriptors. */
const callers = 100;

/** Opens idle connections, and waits until each is accepted or refused. They last as long as the scope. */
async function connectTo(scope: AsyncDisposableStack, path: string): Promise<void> {
  const sockets = Array.from({ length: callers }, () => scope.use(openRawSocket(path)).socket);
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])));
}

/** Does the same from the node's namespace, to a TCP port. */
async function connectToPort(scope: AsyncDisposableStack, { namespace }: ShimNode, port: string): Promise<void> {
  const script = `
    const { connect } = require('node:net');
    let left = ${callers};
    for (let count = left; count > 0; count -= 1)
      connect(${port}, '127.0.0.1').on('error', () => {}).resume().once('connect', () => --left === 0 && console.log('connected'));
    setInterval(() => {}, 1_000);`;
  const command = ['ip', 'netns', 'exec', namespace.name, process.execPath, '-e', script] as const;
  await scope.use(startProcess({ name: 'callers', command })).waitForLine(/^connected$/);
}

/** Allocates a device, attaches a pod, detaches it and releases the device. */
async function attach(node: ShimNode, pod: string): Promise<void> {
  const { id, tapPath, allocation } = await node.admit(pod);
  await using netns = await makeNetworkNamespace();
  const call = { pod, containerID: pod, netns: netns.path, conf: { deviceID: id } };
  const { exitCode, output } = await node.call('ADD', call);
  assert.equal(exitCode, 0, JSON.stringify(output));
  await assertAttached(netns, tapPath);
  assert.deepEqual(await node.call('DEL', call), { exitCode: 0, output: undefined });
  node.kubelet.release(allocation);
}

const targets: Readonly<
  Record<string, (scope: AsyncDisposableStack, node: ShimNode, plugin: RunningProcess) => Promise<void>>
> = {
  'the CNI socket': (scope, node) => connectTo(scope, node.socketPath),
  "a resource's socket": async (scope, { kubeletDirectory }) => {
    const directory = join(kubeletDirectory, 'device-plugins');
    const name = (await readdir(directory)).find((each) => each.startsWith('kube-macvtap-'));
    await connectTo(scope, join(directory, name ?? assert.fail('the resource has no socket')));
  },
  'the port of metrics': async (scope, node, plugin) => {
    const line = await plugin.waitForLine(/"health and metrics are served"/);
    await connectToPort(scope, node, /"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1] ?? assert.fail(line));
  },
};

for (const [title, connect] of Object.entries(targets)) {
  test(
    `idle connections to ${title} use no descriptors that Allocate and ADD need, at once or later`,
    options,
    async () => {
      await using node = await makeShimNode();
      await node.namespace.ip('link set lo up');
      const plugin = node.runUnder(['prlimit', '--nofile=64:64'], '--metrics-listen', '127.0.0.1:0');
      await node.offers({ net: 2 });
      await attach(node, 'before');
      {
        await using scope = new AsyncDisposableStack();
        for (const pod of ['beside-1', 'beside-2']) {
          await connect(scope, node, plugin);
          await attach(node, pod);
        }
        await connect(scope, node, plugin);
      }
      for (const pod of ['after', 'later']) await attach(node, pod);
      assert.deepEqual(await plugin.stop(), { code: 0, signal: null });
    },
  );
}

test('a removed CNI socket is recreated', options, async () => {
  await using node = await makeShimNode();
  const plugin = node.run();
  await node.offers({ net: 2 });
  await rm(node.socketPath);
  await plugin.waitForLine(/the CNI socket .* was lost; it is served again/);
  await attach(node, 'vm-a');
});
