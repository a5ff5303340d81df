// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { linkRefreshBinding } from '../cluster/kubevirt/kubevirt-objects.ts';
import { deletePod, runPod } from '../cluster/pods.ts';
import { readPodTap } from '../cluster/taps.ts';
import { until } from '../process/until.ts';
import { readCarrierChanges } from './cutover-tests.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine, type Machine, machineGuardMs } from './machine.ts';
import { evict, migrate } from './migrate.ts';
import { startGuestFrames, startPeerFrames } from './numbered-frames.ts';

export function migrationTests(cluster: KubeVirtCluster): void {
  describe('the live migration of a virtual machine with a MAC address in its spec, whose link KubeVirt refreshes', () => {
    const mac = '02:00:00:00:53:01';
    let machine: Machine;

    before(async () => {
      await runPod(cluster, { name: 'neighbour', node: 'h1', networks: 'bonded' });
      machine = await createMachine(cluster, {
        name: 'moves',
        address: '10.53.0.1/24',
        macAddress: mac,
        binding: linkRefreshBinding,
      });
      await machine.untilUp();
    });
    after(async () => {
      await machine.delete();
      await deletePod(cluster, 'neighbour');
    });

    it('succeeds, and frames pass in both directions afterwards, also after a migration that a drain starts', async (context) => {
      const { path, mac: neighbour } = await readPodTap(cluster, 'neighbour');
      await using outside = await startPeerFrames({
        program: cluster.images.frames,
        device: path,
        mac: neighbour,
        peers: [mac],
      });
      const inside = await startGuestFrames(machine, [neighbour]);
      await Promise.all([inside.goesOn(), outside.goesOn()]);
      const changes = await readCarrierChanges(machine);
      const { sourceNode, targetNode, completed } = await migrate(cluster, machine);
      assert.equal(completed, true);
      assert.notEqual(targetNode, sourceNode);
      assert.equal((await machine.instance()).status.nodeName, targetNode);
      await Promise.all([inside.goesOn(), outside.goesOn()]);
      assert.equal(await machine.mac(), mac);
      const refreshed = await until(
        () => readCarrierChanges(machine),
        (count) => count >= changes + 2,
        machineGuardMs,
      );
      context.diagnostic(`the guest's link changed ${refreshed - changes} times between down and up`);
      const drained = await evict(cluster, machine);
      assert.deepEqual([drained.sourceNode, drained.targetNode], [targetNode, sourceNode]);
      await Promise.all([inside.goesOn(), outside.goesOn()]);
    });
  });
}
