// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { nodeCentric, resourceCentric } from '../demo/hosts.ts';
import { until } from '../process/until.ts';
import { allocateBesideKubelet } from './ask-plugin.ts';
import { killContainer } from './kill-container.ts';
import type { MacvtapCluster } from './macvtap-cluster-of-file.ts';
import { deletePod, isReady, readPod, runPod, untilPodReady } from './pods.ts';
import { untilAllocatable, untilHeld } from './resources.ts';
import { applySeed, seedPolicy } from './seed-objects.ts';
import { type PodTap, readPodTap } from './taps.ts';
import { untilWebhooksReachable } from './webhooks.ts';

export function disruptionTests(cluster: MacvtapCluster): void {
  const guardMs = 120_000;

  /** Runs and deletes another pod on h1, whose tap must not be `than`. */
  async function oneMore(name: string, than: PodTap): Promise<void> {
    await runPod(cluster, { name, node: 'h1', networks: 'macvtap0' });
    assert.notEqual((await readPodTap(cluster, name)).path, than.path);
    await deletePod(cluster, name);
  }

  describe('a pod with a macvtap on h1', () => {
    let first: PodTap;

    before(async () => {
      await applySeed(cluster);
      await runPod(cluster, { name: 'stays', node: 'h1', networks: 'macvtap0' });
      first = await readPodTap(cluster, 'stays');
    });

    it('keeps its link while the node plugin is killed and restarted, and new pods get devices', async () => {
      await cluster.killNodePlugin('h1');
      await untilHeld(cluster, 'h1', 'bondedIface', 1);
      await oneMore('after-plugin', first);
      assert.deepEqual(await readPodTap(cluster, 'stays'), first);
    });

    it('keeps it while kubelet is restarted, and new pods get devices', async () => {
      await cluster.restartKubelet('h1');
      await oneMore('after-kubelet', first);
      assert.deepEqual(await readPodTap(cluster, 'stays'), first);
      assert.ok(isReady(await readPod(cluster, 'stays')));
    });

    it('keeps it during a minute without the API server: Allocate and DEL work, and later edits are applied', async (t) => {
      await runPod(cluster, { name: 'goes', node: 'h1', networks: 'macvtap0' });
      const goes = await readPodTap(cluster, 'goes');
      await cluster.stopApiServer();
      const minute = sleep(60_000);
      await until(
        () => cluster.nodePluginLog('h1'),
        (log) => log.includes('the source is out of reach'),
        guardMs,
      );
      const [device] = await allocateBesideKubelet('h1', 'quickDataplane', 'quickDataplaneMvp7');
      assert.ok(existsSync(device?.host_path ?? ''), JSON.stringify(device));
      // kubelet recreates the sandbox at once, but its ADD fails while the API server is stopped. Multus reads the pod
      // from the API server.
      await killContainer(cluster, 'h1', { pod: 'goes' });
      await until(
        async () => existsSync(goes.path),
        (exists) => !exists,
        guardMs,
      );
      await minute;
      assert.ok(existsSync(first.path));
      await cluster.startApiServer();
      await cluster.untilReady();
      const readyMs = performance.now();
      const source = () =>
        cluster.mustKubectl(['get', 'macvtapnetworknodestate', 'h3', '-o', 'jsonpath={.status.source}']);
      for (const [label, expected] of [
        ['macvtapAware=true', 'policy'],
        ['macvtapAware-', 'implicit'],
      ] as const) {
        await cluster.mustKubectl(['label', 'node', 'h3', label]);
        await until(source, (now) => now === expected, guardMs);
      }
      const seconds = ((performance.now() - readyMs) / 1_000).toFixed(1);
      t.diagnostic(`two consecutive edits were applied ${seconds} s after the API server was back`);
      // The pod stays Ready until kubelet has reported the end of its container.
      await until(
        async () => (await readPod(cluster, 'goes')).status.containerStatuses?.[0]?.restartCount,
        (count) => count !== undefined && count > 0,
        guardMs,
      );
      await untilPodReady(cluster, 'goes');
      assert.deepEqual((await readPodTap(cluster, 'goes')).path, goes.path);
      await deletePod(cluster, 'goes');
      await untilHeld(cluster, 'h1', 'bondedIface', 1);
      await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('resource-centric'));
      // The resource that no policy names any more stays, with the one device that the pod holds.
      await untilAllocatable(cluster, { ...resourceCentric, h1: { ...resourceCentric.h1, bondedIface: 1 } });
      assert.deepEqual(await readPodTap(cluster, 'stays'), first);
      await cluster.mustKubectl(['apply', '-f', '-'], seedPolicy('node-centric'));
      await untilAllocatable(cluster, nodeCentric);
      await oneMore('after-api-server', first);
    });

    // After a reboot, kubelet admits the node's pods before any plugin can have registered. It therefore refuses pods
    // that request devices. If such a pod has a controller, the controller creates a new pod
    // (kubernetes/kubernetes#109595).
    it('is refused by kubelet after a reboot of its node, and does not block devices for other pods', async () => {
      await cluster.rebootNode('h1');
      await untilAllocatable(cluster, nodeCentric);
      await until(
        () => readPod(cluster, 'stays'),
        ({ status }) => status.phase === 'Failed' && status.reason === 'UnexpectedAdmissionError',
        guardMs,
      );
      await deletePod(cluster, 'stays');
      await untilWebhooksReachable(cluster);
      const again = await runPod(cluster, { name: 'stays', node: 'h1', networks: 'macvtap0' });
      assert.equal(again.spec.nodeName, 'h1');
      assert.equal((await readPodTap(cluster, 'stays')).owner, '107:107');
      await untilHeld(cluster, 'h1', 'bondedIface', 1);
      await deletePod(cluster, 'stays');
      await untilHeld(cluster, 'h1', 'bondedIface', 0);
    });
  });
}
