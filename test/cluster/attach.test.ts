// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { deviceIDs, deviceIfindex } from '../../policy/device/device-id.ts';
import { nodeCentric, resourceCentric } from '../demo/hosts.ts';
import { ethernetFrame, frameText, openTap } from '../kernel/tap-frames.ts';
import { until } from '../process/until.ts';
import { killContainer } from './kill-container.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, makePod, readPod, runPod, untilPodReady } from './pods.ts';
import { untilAllocatable, untilHeld } from './resources.ts';
import { applySeed, implicitOffers, seedPolicy } from './seed-objects.ts';
import { readPodTap } from './taps.ts';

const cluster = await macvtapClusterOfFile();
const resource = 'macvtap.network.kubevirt.io/bondedIface';
const guardMs = 120_000;

/** Returns the paths that the devices of `bondedIface` on a node can have in a pod. */
function possibleTaps(node: string): readonly string[] {
  return deviceIDs('bondedIface', 25).map((id) => `/dev/tap${deviceIfindex(node, id)}`);
}

// Each test continues with the cluster that the previous test left. No program is restarted.
describe("the proposal's three hosts, in their Nodes' allocatable", () => {
  it('expose everything without a policy', () => untilAllocatable(cluster, implicitOffers));

  it('expose exactly the node-centric policy; the host that is not selected exposes everything', async () => {
    await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
    await untilAllocatable(cluster, nodeCentric);
  });

  it('follow an edit of the policy to the resource-centric form', async () => {
    await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('resource-centric'));
    await untilAllocatable(cluster, resourceCentric);
  });

  it('expose everything again when the label is removed, and follow the policy when the label is added', async () => {
    await cluster.mustKubectl(['label', 'node', 'h1', 'macvtapAware-']);
    await cluster.mustKubectl(['label', 'node', 'h3', 'macvtapAware=true']);
    await untilAllocatable(cluster, { ...resourceCentric, h1: implicitOffers.h1, h3: { dataplane: 100 } });
    await cluster.mustKubectl(['label', 'node', 'h1', 'macvtapAware=true']);
    await cluster.mustKubectl(['label', 'node', 'h3', 'macvtapAware-']);
    await untilAllocatable(cluster, resourceCentric);
  });

  it('expose everything again when the policy is deleted', async () => {
    await cluster.mustKubectl(['delete', '-n', 'macvtap-cni', 'macvtapnetworknodepolicies', '--all']);
    await untilAllocatable(cluster, implicitOffers);
  });
});

describe("a pod with the proposal's network", () => {
  before(() => applySeed(cluster));

  it("with only the network's name gets a device, and the tap of its link, with owner 107:107", async () => {
    const pod = await runPod(cluster, { name: 'vm', node: 'h1', networks: 'macvtap0' });
    assert.equal(pod.spec.containers[0]?.resources.limits?.[resource], '1');
    const tap = await readPodTap(cluster, 'vm');
    assert.deepEqual([tap.owner, tap.mtu], ['107:107', 9000]);
    assert.ok(possibleTaps('h1').includes(tap.path), tap.path);
    await untilHeld(cluster, 'h1', 'bondedIface', 1);
  });

  it('that is deleted releases its device and leaves no tap', async () => {
    const { path } = await readPodTap(cluster, 'vm');
    await deletePod(cluster, 'vm');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
    await until(
      async () => existsSync(path),
      (exists) => !exists,
      guardMs,
    );
  });

  it('whose sandbox is killed gets the same tap with the same number, and can be deleted', async () => {
    await runPod(cluster, { name: 'lost', node: 'h1', networks: 'macvtap0' });
    const first = await readPodTap(cluster, 'lost');
    await killContainer(cluster, 'h1', { pod: 'lost' });
    await until(
      async () => (await readPod(cluster, 'lost')).status,
      ({ containerStatuses }) => containerStatuses?.[0]?.restartCount === 1,
      guardMs,
    );
    await untilPodReady(cluster, 'lost');
    const { path, owner, ifindex, mac } = await readPodTap(cluster, 'lost');
    assert.deepEqual([path, owner, ifindex, mac], [first.path, first.owner, first.ifindex, first.mac]);
    await deletePod(cluster, 'lost');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
  });

  it('exchanges frames over its tap with a pod on another node', async () => {
    await runPod(cluster, { name: 'near', node: 'h1', networks: 'macvtap0' });
    await runPod(cluster, { name: 'far', node: 'h2', networks: 'macvtap0' });
    const near = await readPodTap(cluster, 'near');
    const far = await readPodTap(cluster, 'far');
    // All network namespaces share the machine's /dev, so the test can open the pods' taps by their paths.
    await using nearTap = await openTap(near.path);
    await using farTap = await openTap(far.path);
    await nearTap.send(ethernetFrame(far.mac, near.mac, 'there'));
    assert.ok(await farTap.receive((frame) => frameText(frame) === 'there', guardMs));
    await farTap.send(ethernetFrame(near.mac, far.mac, 'and back'));
    assert.ok(await nearTap.receive((frame) => frameText(frame) === 'and back', guardMs));
    for (const name of ['near', 'far']) await deletePod(cluster, name);
  });

  it('that fits on no node stays Pending, and its event names the resource', async () => {
    await makePod(cluster, { name: 'nowhere', node: 'h3', networks: 'macvtap0' });
    const { status } = await until(
      () => readPod(cluster, 'nowhere'),
      (pod) =>
        pod.status.conditions?.some(({ type, status }) => type === 'PodScheduled' && status === 'False') === true,
      guardMs,
    );
    assert.equal(status.phase, 'Pending');
    assert.match(status.conditions?.[0]?.message ?? '', /Insufficient macvtap\.network\.kubevirt\.io\/bondedIface/);
    await deletePod(cluster, 'nowhere');
  });
});

describe('thirty pods at once', () => {
  it('get a separate tap each, on the nodes that have devices, and leave nothing behind', async () => {
    const names = Array.from({ length: 30 }, (_, at) => `many-${at}`);
    const pods = await Promise.all(names.map((name) => runPod(cluster, { name, networks: 'macvtap0' })));
    const taps = await Promise.all(names.map((name) => readPodTap(cluster, name)));
    assert.equal(new Set(taps.map(({ path }) => path)).size, 30);
    assert.equal(new Set(taps.map(({ mac }) => mac)).size, 30);
    assert.deepEqual(
      taps.filter(({ path }, at) => !possibleTaps(pods[at]?.spec.nodeName ?? '').includes(path)),
      [],
    );
    await Promise.all(names.map((name) => deletePod(cluster, name)));
    for (const node of ['h1', 'h2']) await untilHeld(cluster, node, 'bondedIface', 0);
    await until(
      async () => taps.filter(({ path }) => existsSync(path)),
      (left) => left.length === 0,
      guardMs,
    );
  });
});
