// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { killContainer } from '../cluster/kill-container.ts';
import { untilHeld } from '../cluster/resources.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine, type Machine } from './machine.ts';
import { migrate, type RunningMigration, startSlowMigration } from './migrate.ts';
import { makePeers, type Outage, type Peers, report } from './peers.ts';

export function cutoverTests(cluster: KubeVirtCluster): void {
  describe('a virtual machine without a MAC address in its spec that migrates', () => {
    let machine: Machine;
    let peers: Peers;

    before(async () => {
      peers = await makePeers(cluster);
      machine = await createMachine(cluster, { name: 'roams', address: '10.54.0.1/24' });
      await machine.untilUp();
    });
    after(async () => {
      await machine.delete();
      await peers[Symbol.asyncDispose]();
    });

    const migrateUnderTraffic = async (): Promise<readonly Outage[]> => {
      await using traffic = await peers.exchange(machine);
      const { sourceNode, completed } = await migrate(cluster, machine);
      assert.equal(completed, true);
      await traffic.goesOn();
      return await traffic.outages(sourceNode);
    };

    it('keeps its MAC address, and peers on both nodes and on the wire lose contact only for a moment', async (context) => {
      const mac = await machine.mac();
      const changes = await readCarrierChanges(machine);
      const outages = await migrateUnderTraffic();
      report(context, 'with cut-over', outages);
      assert.equal(await machine.mac(), mac);

      await cluster.upgrade({ node: { migrationCutover: false } });
      await cluster.untilRolledOut();
      const without = await migrateUnderTraffic();
      report(context, 'without', without);
      assert.equal(await machine.mac(), mac);
      assert.equal(await readCarrierChanges(machine), changes, 'the binding has no method of migration');
      await cluster.upgrade({ node: { migrationCutover: true } });
      await cluster.untilRolledOut();

      // The test compares a ratio, because the guest's pause takes longer on a slow computer.
      for (const place of ['source node', 'target node'] as const) {
        const [cut, uncut] = [outages, without].map((all) => all.find((one) => one.place === place)?.toGuest ?? 0);
        assert.ok((cut ?? 0) * 2 < (uncut ?? 0), `${place}: ${cut} frames with cut-over, ${uncut} without`);
      }
    });

    for (const [title, interrupt] of [
      ['is cancelled', (migration: RunningMigration) => migration.cancel()],
      [
        'fails because its target launcher is killed',
        async (migration: RunningMigration) => {
          const { targetNode = '', targetPod = '' } = migration.state;
          await killContainer(cluster, targetNode, { pod: targetPod, container: 'compute' });
          await migration.untilFailed();
        },
      ],
    ] as const) {
      it(`stays on its node after a migration that ${title}, and all peers reach it`, async (context) => {
        const mac = await machine.mac();
        await using traffic = await peers.exchange(machine);
        const migration = await startSlowMigration(cluster, machine);
        const { sourceNode, targetNode = '' } = migration.state;
        await traffic.goesOn();
        // On the target node, the pod of a peer and the target pod hold one device each.
        await untilHeld(cluster, targetNode, 'bonded', 2);
        await interrupt(migration);
        await untilHeld(cluster, targetNode, 'bonded', 1);
        await traffic.goesOn();
        const { nodeName, migrationState } = (await machine.instance()).status;
        assert.deepEqual([nodeName, migrationState?.failed], [sourceNode, true]);
        assert.equal(await machine.mac(), mac);
        report(context, `a migration that ${title}`, await traffic.outages(sourceNode));
      });
    }
  });
}

/**
 * Returns how often the carrier of a guest's first card went down or up. KubeVirt's method `link-refresh` changes it.
 */
export async function readCarrierChanges(machine: Machine): Promise<number> {
  return Number(await machine.run('cat /sys/class/net/eth0/carrier_changes'));
}
