// SPDX-License-Identifier: Apache-2.0
// Runs the real node plugin with only the access to the node that the chart's DaemonSet gives it.
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { assertAttached, assertNothingLeft } from '../process/attached-link.ts';
import { makeShimNode, needsRealShim, type ShimNode } from '../process/shim-node.ts';
import { confineLike } from './confine.ts';
import { podTemplateOf } from './pod-spec.ts';
import { findObject, renderChart } from './render-chart.ts';

const options = { skip: needsRealShim };
const ok = { exitCode: 0, output: undefined };

/** Starts the plugin of a node as the chart would, with the node's directories. */
async function runConfined(node: ShimNode) {
  const values = {
    node: {
      kubeletDir: node.kubeletDirectory,
      cniBinDir: node.binaries,
      stateDir: node.stateDirectory,
      cniSocketDir: dirname(node.socketPath),
    },
  };
  const daemonSet = findObject(renderChart({ values }), 'DaemonSet');
  for (const { hostPath } of podTemplateOf(daemonSet).spec.volumes ?? []) {
    if (hostPath?.type === 'DirectoryOrCreate') await mkdir(hostPath.path, { recursive: true });
  }
  const folder = dirname(node.kubeletDirectory);
  // Here, the plugin writes the node's state to `manifests`. The chart does not mount this directory, because in a
  // cluster, the plugin writes the state to the API server.
  return node.runUnder(confineLike(daemonSet, folder, [`${folder}/manifests`]));
}

test(
  "the node's directories that the chart mounts are enough from ADD to DEL, with a restart in between",
  options,
  async () => {
    await using node = await makeShimNode();
    const plugin = await runConfined(node);
    await node.offers({ net: 2 });
    const mounts = (await readFile(`/proc/${plugin.pid}/mountinfo`, 'utf8')).split('\n').map((line) => line.split(' '));
    const access = (path: string) => mounts.findLast((fields) => fields[4] === path)?.[5]?.split(',')[0];
    assert.deepEqual(['/', dirname(node.kubeletDirectory), '/dev', '/run/netns', node.stateDirectory].map(access), [
      'ro',
      'ro',
      'ro',
      'ro',
      'rw',
    ]);

    const { id, tapPath, allocation } = await node.admit();
    await using pod = await makeNetworkNamespace();
    const call = (command: string, netns = pod.path) => node.call(command, { netns, conf: { deviceID: id } });
    const { exitCode, output } = await call('ADD');
    assert.equal(exitCode, 0, JSON.stringify(output));
    await assertAttached(pod, tapPath);
    await node.kubelet.startContainer(allocation);
    assert.deepEqual(await call('CHECK'), ok);

    plugin.signal('SIGKILL');
    await plugin.exit;
    await node.isGone('net');
    assert.deepEqual(await call('DEL'), ok, 'left as a pending DEL');
    const successor = await runConfined(node);
    await node.offers({ net: 2 });
    await assertNothingLeft(tapPath, pod, node.namespace);
    node.kubelet.release(allocation);
    await successor.waitForLine(/orphan removed/);
    for (const { output: printed } of [plugin, successor]) {
      assert.doesNotMatch(printed, /EPERM|EACCES|EROFS|not permitted|Permission denied|[Rr]ead-only/);
    }
  },
);
