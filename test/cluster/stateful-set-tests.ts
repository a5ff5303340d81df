// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { until } from '../process/until.ts';
import type { MacvtapCluster } from './macvtap-cluster-of-file.ts';
import { isReady, readPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed, clearSeed } from './seed-objects.ts';
import { deleteStatefulSet, makeStatefulSet, moveStatefulSet } from './stateful-set.ts';
import { readPodTap } from './taps.ts';

export function statefulSetTests(cluster: MacvtapCluster): void {
  const guardMs = 180_000;

  describe('a pod of a StatefulSet', () => {
    after(() => clearSeed(cluster));

    it('keeps its MAC address on all nodes, and a pod of another StatefulSet has another one', async () => {
      await applySeed(cluster);
      const macs: Record<string, string> = {};
      for (const name of ['db', 'web']) await makeStatefulSet(cluster, { name, node: 'h1', networks: 'macvtap0' });
      for (const node of ['h1', 'h2']) {
        for (const name of ['db', 'web']) {
          if (node !== 'h1') await moveStatefulSet(cluster, name, node);
          await until(
            () => readPod(cluster, `${name}-0`).catch(() => undefined),
            (pod) => pod?.spec.nodeName === node && isReady(pod),
            guardMs,
          );
          macs[`${name} on ${node}`] = (await readPodTap(cluster, `${name}-0`)).mac;
        }
      }
      assert.equal(macs['db on h2'], macs['db on h1']);
      assert.equal(macs['web on h2'], macs['web on h1']);
      assert.notEqual(macs['web on h1'], macs['db on h1']);
      for (const name of ['db', 'web']) await deleteStatefulSet(cluster, name);
      for (const node of ['h1', 'h2']) await untilHeld(cluster, node, 'bondedIface', 0);
    });
  });
}
