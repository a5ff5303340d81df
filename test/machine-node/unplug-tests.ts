// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { deletePod, readPod, runPod } from '../cluster/pods.ts';
import { readAllocatable, untilAllocatable, untilHeld } from '../cluster/resources.ts';
import { readPodTap } from '../cluster/taps.ts';
import { until } from '../process/until.ts';
import { seedOffers } from './bond-tests.ts';
import { deletePolicy, machine, network, policy } from './machine-cluster.ts';
import { readPodLinks, readResource } from './node-state.ts';

const guardMs = 300_000;

export function unplugTests(cluster: MacvtapCluster): void {
  describe('a PCI card that is unplugged under a running pod', () => {
    const withCards = { ...seedOffers, [machine]: { ...seedOffers[machine], cards: 4 } };

    before(async () => {
      await cluster.apply([policy('cards', [machine], [{ parentIface: 'eth2', resourceName: 'cards', quantity: 4 }])]);
      await untilAllocatable(cluster, withCards);
      await cluster.apply([network('cards')]);
      await runPod(cluster, { name: 'holder', node: machine, networks: 'cards' });
      await readPodTap(cluster, 'holder');
    });
    after(async () => {
      await deletePolicy(cluster, 'cards');
      await untilAllocatable(cluster, seedOffers);
    });

    it('takes the link from the pod, which is reported on the pod and the node, and no device is offered', async () => {
      await cluster.unplug(machine, 'eth2');
      await assert.rejects(cluster.unplug(machine, 'eth2'), /qemu refuses device_del: .*eth2/);
      const lost = await until(
        () => readResource(cluster, machine, 'cards'),
        (resource) => resource?.lost === 1,
        guardMs,
      );
      assert.deepEqual([lost?.health, lost?.held], ['Unhealthy', 1]);
      await until(
        () =>
          cluster.mustKubectl([
            'get',
            'events',
            '--field-selector=involvedObject.name=holder',
            '-o',
            'jsonpath={..reason}',
          ]),
        (reasons) => reasons.split(' ').includes('AttachmentLost'),
        guardMs,
      );
      await until(
        async () => (await readAllocatable(cluster))[machine],
        (offers) => offers?.cards === undefined,
        guardMs,
      );
      assert.equal((await readPod(cluster, 'holder')).status.phase, 'Running');
      assert.deepEqual(await readPodLinks(cluster, 'holder'), ['eth0', 'lo']);
    });

    it('is a parent again for new pods when it is plugged in, and the old pod is still without its link', async () => {
      await cluster.plug(machine, 'eth2');
      await until(
        async () => (await readAllocatable(cluster))[machine]?.cards,
        (count) => count !== undefined && count >= 3,
        guardMs,
      );
      await runPod(cluster, { name: 'later', node: machine, networks: 'cards' });
      await readPodTap(cluster, 'later');
      assert.equal((await readResource(cluster, machine, 'cards'))?.lost, 1);
    });

    it('has all its devices back when the old pod is deleted', async () => {
      for (const pod of ['holder', 'later']) await deletePod(cluster, pod);
      await untilHeld(cluster, machine, 'cards', 0);
      await untilAllocatable(cluster, withCards);
      const whole = await readResource(cluster, machine, 'cards');
      assert.deepEqual([whole?.health, whole?.lost ?? 0], ['Healthy', 0]);
    });
  });
}
