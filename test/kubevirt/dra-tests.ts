// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readAllocatable, untilHeld } from '../cluster/resources.ts';
import { until } from '../process/until.ts';
import type { KubeVirtCluster } from './kubevirt-cluster.ts';
import { createMachine, type Machine, machineGuardMs } from './machine.ts';
import { migrate } from './migrate.ts';
import { assertPing, macvtapLimits, resource, tapOwners } from './start-tests.ts';

interface ClaimList {
  readonly items: readonly {
    readonly status?: {
      readonly allocation?: { readonly devices: { readonly results: readonly { readonly pool: string }[] } };
    };
  }[];
}

/** The node that uses DRA. The other node uses the device plugin API. */
const node = 'h1';

export function draTests(cluster: KubeVirtCluster): void {
  /** Returns the node of each device that a claim has. */
  const claimedOn = async () => {
    const path = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims';
    const { items } = await cluster.admin.must<ClaimList>('GET', path);
    return items.flatMap(({ status }) => status?.allocation?.devices.results ?? []).map(({ pool }) => pool);
  };
  const label = (text: string) => cluster.mustKubectl(['label', 'node', node, `${resource('allocation')}${text}`]);
  const untilBonded = (count: number | undefined) =>
    until(
      async () => (await readAllocatable(cluster))[node]?.bonded,
      (found) => found === count,
      machineGuardMs,
    );

  describe('a virtual machine on a node that uses dynamic resource allocation', () => {
    let machine: Machine;
    let peer: Machine;
    const addresses = ['10.57.0.1', '10.57.0.2'] as const;
    const reaches = () => assertPing(machine, peer, addresses);
    const launcherFacts = async () => ({
      limits: macvtapLimits(await machine.launcher()),
      owners: Object.values(await tapOwners(machine)),
    });
    const threeDevices = {
      limits: { compute: { [resource('bonded')]: '2', [resource('dataplane')]: '1' } },
      owners: ['107:107', '107:107', '107:107'],
    };

    // Each step is undone even if a later step fails. Otherwise, its remains would affect the next tests.
    const undo = new AsyncDisposableStack();
    before(async () => {
      undo.defer(async () => void (await untilBonded(10)));
      undo.defer(async () => void (await label('-')));
      await label('=DRA');
      await untilBonded(undefined);
      undo.defer(async () => {
        for (const one of ['h1', 'h2']) await untilHeld(cluster, one, 'bonded', 0);
      });
      const created: Machine[] = [];
      undo.defer(async () => void (await Promise.all(created.map((one) => one.delete()))));
      peer = await createMachine(cluster, { name: 'peer', address: `${addresses[1]}/24`, node: 'h2' });
      created.push(peer);
      await peer.untilUp();
      try {
        // Otherwise, the machine could start on that node. A selector of its node would prevent its migration.
        await cluster.mustKubectl(['cordon', 'h2']);
        machine = await createMachine(cluster, {
          name: 'claims',
          address: `${addresses[0]}/24`,
          networks: ['bonded', 'bonded', 'dataplane'],
          processors: 2,
        });
        created.push(machine);
        await machine.untilUp();
      } finally {
        await cluster.mustKubectl(['uncordon', 'h2']);
      }
    });
    after(() => undo.disposeAsync());

    it('runs with its manifest unchanged: KubeVirt requests the same resources, and the scheduler makes a claim', async () => {
      assert.deepEqual(await launcherFacts(), threeDevices);
      assert.deepEqual(await claimedOn(), [node, node, node]);
      await untilHeld(cluster, node, 'bonded', 2);
    });

    it('reaches a machine on a node with the device plugin API, with two queues on each card', async () => {
      await reaches();
      const printed = await machine.run('for card in eth0 eth1 eth2; do ls /sys/class/net/$card/queues; done');
      assert.deepEqual(printed.split(/\s+/), Array(3).fill(['rx-0', 'rx-1', 'tx-0', 'tx-1']).flat());
    });

    it('migrates to the node with the device plugin API, and back', async () => {
      const mac = await machine.mac();
      for (const [target, claimed] of [
        ['h2', []],
        [node, [node, node, node]],
      ] as const) {
        assert.equal((await migrate(cluster, machine)).targetNode, target);
        await until(claimedOn, (pools) => pools.join() === claimed.join(), machineGuardMs);
        assert.deepEqual(await launcherFacts(), threeDevices);
        assert.equal(await machine.mac(), mac);
        await reaches();
      }
    });
  });
}
