// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openTap } from '../kernel/tap-frames.ts';
import { type FrameStream, type StreamEnd, startFrames } from './frame-stream.ts';
import { findNodePlugin } from './install/node-plugin-pod.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, runPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed } from './seed-objects.ts';
import { type PodTap, readPodTap } from './taps.ts';

const cluster = await macvtapClusterOfFile();
const nodes = { near: 'h1', far: 'h2' } as const;

describe('frames between the macvtaps of pods on two nodes', () => {
  let first: readonly PodTap[] = [];
  let streams: readonly FrameStream[] = [];
  const ends: StreamEnd[] = [];
  const taps = async () => [await readPodTap(cluster, 'near'), await readPodTap(cluster, 'far')];
  const goOn = () => Promise.all(streams.map((stream) => stream.goesOn()));
  const plugins = () => Promise.all(Object.values(nodes).map((node) => findNodePlugin(cluster, node)));

  before(async () => {
    await applySeed(cluster);
    for (const [name, node] of Object.entries(nodes)) await runPod(cluster, { name, node, networks: 'macvtap0' });
    first = await taps();
    // All network namespaces share the machine's /dev, so the test can open the pods' taps by their paths.
    for (const { path, mac } of first) ends.push({ tap: await openTap(path), mac });
    const [one, other] = ends as [StreamEnd, StreamEnd];
    streams = [startFrames(one, other), startFrames(other, one)];
    await goOn();
  });

  after(async () => {
    for (const stream of streams) await stream.end();
    for (const { tap } of ends) await tap[Symbol.asyncDispose]();
  });

  it('flow while the node plugin of each node is killed and restarted by kubelet', async () => {
    for (const node of Object.values(nodes)) {
      await cluster.killNodePlugin(node);
      await goOn();
    }
  });

  it('flow while helm upgrade replaces every pod of the chart, and none is lost, repeated or reordered', async () => {
    const before = await plugins();
    await cluster.upgrade({ logLevel: 'debug' });
    await cluster.untilRolledOut();
    const names = (await plugins()).map(({ name }) => name);
    for (const { name } of before) assert.ok(!names.includes(name), name);
    await goOn();
    assert.deepEqual(await taps(), first);
    for (const { sent, arrived } of await Promise.all(streams.map((stream) => stream.end()))) {
      assert.ok(sent > 0);
      assert.deepEqual(arrived, [...Array(sent).keys()]);
    }
  });

  it('stop when the pods are deleted, and the devices are free again', async () => {
    for (const [name, node] of Object.entries(nodes)) {
      await deletePod(cluster, name);
      await untilHeld(cluster, node, 'bondedIface', 0);
    }
  });
});
