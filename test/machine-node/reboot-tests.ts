// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { MacvtapCluster } from '../cluster/macvtap-cluster-of-file.ts';
import { isReady, type Pod, podObject } from '../cluster/pods.ts';
import { untilAllocatable, untilHeld } from '../cluster/resources.ts';
import { type PodTap, readPodTap } from '../cluster/taps.ts';
import { until } from '../process/until.ts';
import { machine } from './machine-cluster.ts';
import { readVlans, vlanOffers, vlansOfPolicy } from './vlan-tests.ts';

const path = '/apis/apps/v1/namespaces/default/deployments';
const replicas = 2;
const guardMs = 600_000;

export function rebootTests(cluster: MacvtapCluster): void {
  /** Returns the taps of the Deployment's pods that work, by the UIDs of the pods. */
  const readTaps = async (): Promise<Readonly<Record<string, PodTap>>> => {
    const query = new URLSearchParams({ labelSelector: 'app=kept' });
    const { items } = await cluster.admin.must<{ items: readonly Pod[] }>(
      'GET',
      `/api/v1/namespaces/default/pods?${query}`,
    );
    const taps: Record<string, PodTap> = {};
    for (const { metadata } of items.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)) {
      // Until kubelet has reported it, a pod from before a reboot also counts as Ready.
      const tap = await readPodTap(cluster, metadata.name).catch(() => undefined);
      if (tap !== undefined) taps[metadata.uid] = tap;
    }
    return taps;
  };
  const untilRunning = async () => await until(readTaps, (taps) => Object.keys(taps).length === replicas, guardMs);

  describe('a Deployment of pods with macvtaps on a VLAN of a bond', () => {
    before(async () => {
      const { metadata, spec } = podObject({ name: 'kept', node: machine, networks: 'vlan100' }) as {
        readonly metadata: object;
        readonly spec: object;
      };
      const labels = { app: 'kept' };
      const template = { metadata: { ...metadata, name: undefined, labels }, spec };
      const body = {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'kept' },
        spec: { replicas, selector: { matchLabels: labels }, template },
      };
      await cluster.admin.must('POST', path, { body });
      await untilRunning();
    });
    after(async () => {
      await cluster.admin.must('DELETE', `${path}/kept`);
      await untilHeld(cluster, machine, 'bond1.100', 0);
    });

    for (const [title, powerCut] of [
      ['a reboot', false],
      ['a power cut', true],
    ] as const) {
      it(`runs again after ${title} of its node, each pod with its own link`, async (t) => {
        const started = performance.now();
        const note = (what: string) =>
          t.diagnostic(`${what} after ${Math.round((performance.now() - started) / 1_000)} s`);
        await cluster.rebootNode(machine, { powerCut });
        note('kubelet reports the new boot');
        await cluster.untilReady();
        note('the node is Ready');
        await untilAllocatable(cluster, vlanOffers);
        note("the policies' resources are offered");
        assert.deepEqual(await readVlans(cluster), vlansOfPolicy);
        const taps = Object.values(await untilRunning());
        note('the pods run');
        assert.equal(new Set(taps.map(({ mac }) => mac)).size, replicas);
        assert.deepEqual(
          taps.map(({ owner, mtu }) => [owner, mtu]),
          Array(replicas).fill(['107:107', 9000]),
        );
        await untilHeld(cluster, machine, 'bond1.100', replicas);
      });
    }
  });
}
