// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { deletePod, runPod } from '../cluster/pods.ts';
import { untilAllocatable, untilHeld } from '../cluster/resources.ts';
import { seedNetwork, seedPolicy } from '../cluster/seed-objects.ts';
import { readPodTap } from '../cluster/taps.ts';
import { runProgram } from '../process/run-program.ts';
import { until } from '../process/until.ts';
import { exchangeFrames, type FrameExchange } from './exchange-frames.ts';
import { deletePolicy, machine, network, peer, policy } from './machine-cluster.ts';
import { readResource } from './node-state.ts';
import { readNumaNodes } from './numa-nodes.ts';

const guardMs = 300_000;

/** The resources of the seed's policy on the two nodes. */
export const seedOffers = {
  [peer]: { bondedIface: 25 },
  [machine]: { bondedIface: 25, quickDataplane: 100, dataplane: 100 },
};

/** Applies the seed's policy and network. */
export async function applySeedHere(cluster: MacvtapCluster): Promise<void> {
  await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
  await untilAllocatable(cluster, seedOffers);
  await cluster.mustKubectl(['apply', '-n', 'default', '-f', '-'], seedNetwork);
}

export function bondTests(cluster: MacvtapCluster): void {
  const readBond = (bond: string) => cluster.run(machine, 'cat', `/proc/net/bonding/${bond}`);

  describe('bond1, an 802.3ad bond of two PCI cards', () => {
    before(() => applySeedHere(cluster));
    after(async () => {
      for (const pod of ['on-bond', 'opposite']) await deletePod(cluster, pod);
      await untilHeld(cluster, machine, 'bondedIface', 0);
    });

    it('has agreed with a partner, which is another bond, on one aggregate of both ports', async () => {
      const status = await until(
        () => readBond('bond1'),
        (text) => /^\tNumber of ports: 2$/m.test(text) && !/Partner Mac Address: 00:00:00:00:00:00/.test(text),
        guardMs,
      );
      const links = ['ip', 'netns', 'exec', 'switch', 'cat', '/sys/class/net/bond1/address'] as const;
      const partner = (await cluster.run(machine, ...links)).trim();
      assert.equal(/Partner Mac Address: (\S+)/.exec(status)?.[1], partner);
      assert.match(status, /^Bonding Mode: IEEE 802\.3ad/m);
      const ports = (await cluster.run(machine, 'cat', '/sys/class/net/bond1/bonding/slaves')).trim().split(' ');
      assert.deepEqual(ports.toSorted(), ['bond1p0', 'bond1p1']);
    });

    it("is the parent of the seed's resource, and of a pod's macvtap with the seed's mode and MTU", async () => {
      await runPod(cluster, { name: 'on-bond', node: machine, networks: 'macvtap0' });
      const { owner, mtu } = await readPodTap(cluster, 'on-bond');
      assert.deepEqual([owner, mtu], ['107:107', 9000]);
      await untilHeld(cluster, machine, 'bondedIface', 1);
    });

    it('is shown by kubectl macvtap status with its device in use', async (t) => {
      const { code, stdout } = await runProgram('cli/kubectl-macvtap.ts', [
        'status',
        `--kubeconfig=${cluster.kubeconfig}`,
      ]);
      t.diagnostic(stdout);
      assert.equal(code, 0);
      assert.match(stdout, /^m1 +bondedIface +bond1 +private +1\/25 +Healthy +macvtap-cni\/policy-1$/m);
    });

    it('and other cards give kubelet the NUMA nodes of their ports', async () => {
      const { bondedIface, quickDataplane } = await readNumaNodes(machine);
      assert.deepEqual({ bondedIface, quickDataplane }, { bondedIface: [0, 1], quickDataplane: [1] });
    });

    it('carries frames between that pod and one on another node, over its partner', async () => {
      await runPod(cluster, { name: 'opposite', node: peer, networks: 'macvtap0' });
      const frames = await exchangeFrames(cluster, ['on-bond', 'opposite']);
      await frames.goesOn();
    });
  });

  describe('bond2, an active-backup bond', () => {
    let frames: FrameExchange;

    before(async () => {
      await cluster.apply([
        policy('pair', [peer, machine], [{ parentIface: 'bond2', resourceName: 'pair', quantity: 5 }]),
      ]);
      await untilAllocatable(cluster, {
        [peer]: { ...seedOffers[peer], pair: 5 },
        [machine]: { ...seedOffers[machine], pair: 5 },
      });
      await cluster.apply([network('pair')]);
    });
    after(async () => {
      for (const pod of ['near', 'far']) await deletePod(cluster, pod);
      await deletePolicy(cluster, 'pair');
      await untilAllocatable(cluster, seedOffers);
    });

    it('carries frames on while its active port changes with the carrier, and back', async () => {
      await runPod(cluster, { name: 'near', node: machine, networks: 'pair' });
      await runPod(cluster, { name: 'far', node: peer, networks: 'pair' });
      frames = await exchangeFrames(cluster, ['near', 'far']);
      await frames.goesOn();
      const readActive = async () =>
        (await cluster.run(machine, 'cat', '/sys/class/net/bond2/bonding/active_slave')).trim();
      const ports = ['bond2p0', 'bond2p1'];
      for (let round = 0; round < ports.length; round += 1) {
        const active = await readActive();
        assert.ok(ports.includes(active), active);
        await cluster.setCarrier(machine, active, false);
        await until(readActive, (now) => now !== active && ports.includes(now), guardMs);
        await frames.goesOn();
        await cluster.setCarrier(machine, active, true);
        const isUp = async () => (await cluster.run(machine, 'cat', `/sys/class/net/${active}/carrier`)).trim();
        await until(isUp, (carrier) => carrier === '1', guardMs);
      }
      assert.equal((await readResource(cluster, machine, 'pair'))?.health, 'Healthy');
    });

    it('has no NUMA node, because its ports are on the bus of neither processor', async () => {
      assert.deepEqual((await readNumaNodes(machine)).pair, []);
    });

    it('without any carrier keeps its devices, is reported, and carries frames again with the first carrier', async () => {
      for (const port of ['bond2p0', 'bond2p1']) await cluster.setCarrier(machine, port, false);
      const degraded = await until(
        () => readResource(cluster, machine, 'pair'),
        (resource) => resource?.health !== 'Healthy',
        guardMs,
      );
      assert.deepEqual([degraded?.health, degraded?.code, degraded?.held], ['Degraded', 'NoCarrier', 1]);
      await cluster.setCarrier(machine, 'bond2p1', true);
      await until(
        () => readResource(cluster, machine, 'pair'),
        (resource) => resource?.health === 'Healthy',
        guardMs,
      );
      await frames.goesOn();
      await cluster.setCarrier(machine, 'bond2p0', true);
    });
  });
}
