// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { exchangeFrames, type FrameExchange } from './frame-stream.ts';
import { findNodePlugin } from './install/node-plugin-pod.ts';
import type { MacvtapCluster } from './macvtap-cluster-of-file.ts';
import { deletePod, deletePodsIfAny, runPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed, clearSeed } from './seed-objects.ts';
import { type PodTap, readPodTap } from './taps.ts';

export function trafficTests(cluster: MacvtapCluster): void {
  const nodes = { near: 'h1', far: 'h2' } as const;

  describe('frames between the macvtaps of pods on two nodes', () => {
    let first: readonly [PodTap, PodTap];
    let frames: FrameExchange;
    const taps = async () => [await readPodTap(cluster, 'near'), await readPodTap(cluster, 'far')] as const;
    const plugins = () => Promise.all(Object.values(nodes).map((node) => findNodePlugin(cluster, node)));

    // Each step is undone even if a later step fails. Otherwise, its remains would affect the next tests.
    const undo = new AsyncDisposableStack();
    before(async () => {
      undo.defer(() => clearSeed(cluster));
      await applySeed(cluster);
      undo.defer(() => deletePodsIfAny(cluster, Object.keys(nodes)));
      for (const [name, node] of Object.entries(nodes)) await runPod(cluster, { name, node, networks: 'macvtap0' });
      first = await taps();
      frames = undo.use(await exchangeFrames(first));
    });
    after(() => undo.disposeAsync());

    it('flow while the node plugin of each node is killed and restarted by kubelet', async () => {
      for (const node of Object.values(nodes)) {
        await cluster.killNodePlugin(node);
        await frames.goesOn();
      }
    });

    it('flow while helm upgrade replaces every pod of the chart, and none is lost, repeated or reordered', async () => {
      const before = await plugins();
      await cluster.upgrade({ logLevel: 'debug' });
      await cluster.untilRolledOut();
      const names = (await plugins()).map(({ name }) => name);
      for (const { name } of before) assert.ok(!names.includes(name), `pod ${name} still exists`);
      await frames.goesOn();
      assert.deepEqual(await taps(), first);
      await frames.assertComplete();
    });

    it('stop when the pods are deleted, and the devices are free again', async () => {
      for (const [name, node] of Object.entries(nodes)) {
        await deletePod(cluster, name);
        await untilHeld(cluster, node, 'bondedIface', 0);
      }
    });
  });
}
