// SPDX-License-Identifier: Apache-2.0
// Tests what operators see in a real cluster: the status of the policy of the API proposal (test/fixtures/seed), and
// the states of its nodes while pods change.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { MacvtapNetworkNodeState } from '../../policy/api/macvtap-network-node-state.ts';
import type { PolicyStatus } from '../../policy/status/decide-status.ts';
import { until } from '../process/until.ts';
import type { MacvtapCluster } from './macvtap-cluster-of-file.ts';
import { deletePod, runPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed, clearSeed } from './seed-objects.ts';

export function statusTests(cluster: MacvtapCluster): void {
  const kinds = '/apis/macvtap.network.kubevirt.io/v1alpha1';
  const policy = `${kinds}/namespaces/macvtap-cni/macvtapnetworknodepolicies/policy-1`;
  const guardMs = 90_000;

  const untilStatus = (isWanted: (status: PolicyStatus) => boolean) =>
    until(
      async () => (await cluster.admin.must<{ status?: PolicyStatus }>('GET', policy)).status ?? {},
      isWanted,
      guardMs,
    );
  const untilState = (node: string, isWanted: (status: NonNullable<MacvtapNetworkNodeState['status']>) => boolean) =>
    until(
      async () =>
        (await cluster.admin.must<MacvtapNetworkNodeState>('GET', `${kinds}/macvtapnetworknodestates/${node}`))
          .status ?? {},
      isWanted,
      guardMs,
    );
  const cells = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(/ {2,}/).slice(0, -1));

  describe("the operators' view", () => {
    after(() => clearSeed(cluster));

    it('shows that both selected nodes expose the policy, and by which of its entries', async () => {
      await applySeed(cluster);
      const { conditions = [], ...counts } = await untilStatus(({ exposingNodes }) => exposingNodes === 2);
      assert.deepEqual(counts, {
        observedGeneration: 1,
        matchedNodes: 2,
        exposingNodes: 2,
        entries: [
          { index: 0, nodes: 2 },
          { index: 1, nodes: 1 },
          // No node has an eth2. According to the API proposal, that is not an error.
          { index: 2, nodes: 0 },
        ],
      });
      assert.deepEqual(
        conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`),
        ['Accepted True Valid', 'Exposed True Exposing', 'Conflicted False NoConflict'],
      );
    });

    it('is shown in the columns of kubectl get', async () => {
      assert.deepEqual(cells(await cluster.mustKubectl(['get', 'mvnnp', '-n', 'macvtap-cni'])), [
        ['NAME', 'PRIORITY', 'RESOURCE', 'MATCHED', 'EXPOSING', 'ACCEPTED', 'CONFLICTED'],
        ['policy-1', '99', '2', '2', 'True', 'False'],
      ]);
      assert.deepEqual(cells(await cluster.mustKubectl(['get', 'mvnns'])), [
        ['NAME', 'SOURCE', 'RESOURCES', 'HELD', 'UNHEALTHY', 'TROUBLE'],
        ['h1', 'policy', '2', '0', '0'],
        ['h2', 'policy', '1', '0', '0'],
        ['h3', 'implicit', '2', '0', '0'],
      ]);
    });

    it('shows how many devices pods hold, also of a resource that no policy names any more', async () => {
      await runPod(cluster, { name: 'one', node: 'h1', networks: 'macvtap0' });
      await untilHeld(cluster, 'h1', 'bondedIface', 1);
      // The edited policy no longer has the entry of the held device.
      const patch = [{ op: 'remove', path: '/spec/parentSelector/0' }];
      await cluster.admin.must('PATCH', policy, { body: patch, contentType: 'application/json-patch+json' });
      const { resources = [] } = await untilState(
        'h1',
        (state) => state.resources?.some(({ code }) => code === 'Draining') === true,
      );
      assert.deepEqual(
        resources.find(({ name }) => name === 'bondedIface'),
        {
          name: 'bondedIface',
          parent: 'bond1',
          mode: 'private',
          source: 'none',
          quantity: 0,
          held: 1,
          health: 'Unhealthy',
          code: 'Draining',
        },
      );
      const { entries } = await untilStatus((status) => status.observedGeneration === 2 && status.exposingNodes === 1);
      assert.deepEqual(entries, [
        { index: 0, nodes: 1 },
        { index: 1, nodes: 0 },
      ]);
      await deletePod(cluster, 'one');
      await untilState('h1', (state) => state.resources?.every(({ name }) => name !== 'bondedIface') === true);
    });
  });
}
