// SPDX-License-Identifier: Apache-2.0
// Dynamic resource allocation on a machine that really reboots.
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { readPod, runInPod, runPod } from '../cluster/pods.ts';
import { untilHeld } from '../cluster/resources.ts';
import { readPodTap } from '../cluster/taps.ts';
import { until } from '../process/until.ts';
import { machine, machineClusterOfFile, network, policy } from './machine-cluster.ts';

const cluster = await machineClusterOfFile({ allocation: 'DRA' });
const guardMs = 600_000;

/** Returns the pod's UID, and its tap and MAC address after a process in the pod has opened the tap. */
async function openedTap(name: string) {
  const { metadata } = await readPod(cluster, name);
  const { path, mac } = await readPodTap(cluster, name);
  await runInPod(cluster, name, `exec 3<>${path}`);
  return { uid: metadata.uid, path, mac };
}

describe('a pod with a macvtap on a node that uses DRA', () => {
  before(async () => {
    const entry = { parentIface: 'eth1', resourceName: 'data', mode: 'bridge', quantity: 4 };
    await cluster.apply([policy('dra', [machine], [entry]), network('data')]);
    await runPod(cluster, { name: 'kept', node: machine, networks: 'data' });
    await untilHeld(cluster, machine, 'data', 1);
  });

  for (const [title, powerCut] of [
    ['a reboot', false],
    ['a power cut', true],
  ] as const) {
    it(`runs again after ${title} without anybody deleting it, with the same MAC address and a tap that opens`, async (t) => {
      const before = await openedTap('kept');
      const started = performance.now();
      const note = (what: string) =>
        t.diagnostic(`${what} after ${Math.round((performance.now() - started) / 1_000)} s`);
      await cluster.rebootNode(machine, { powerCut });
      note('kubelet reports the new boot');
      await cluster.untilReady();
      note('the node is Ready');
      // Until kubelet has reported it, a pod from before the reboot also counts as Ready.
      const after = await until(
        () => openedTap('kept').catch(() => undefined),
        (tap) => tap !== undefined,
        guardMs,
      );
      note('the pod runs');
      assert.deepEqual(after, before);
      t.diagnostic(JSON.stringify(after));
      await untilHeld(cluster, machine, 'data', 1);
    });
  }
});
