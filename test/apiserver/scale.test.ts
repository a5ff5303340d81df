// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { PolicyStatus } from '../../policy/status/decide-status.ts';
import { until } from '../process/until.ts';
import { playNodes } from '../scale/play-nodes.ts';
import { statusWrites } from '../scale/status-writes.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace } from './install.ts';
import { startWebhook } from './start-webhook.ts';

// kwok plays a thousand nodes, which apply a policy and an edit of the policy. `npm run bench -- --only policy-status`
// measures the same with five thousand nodes.
const count = 1_000;
/** Far fewer writes than nodes: the webhook collects the reports of many nodes in each write of a status. */
const fewWrites = 10;

const cluster = await clusterOfFile();
const nodes = await playNodes(cluster, count);
const webhook = cluster.use(await startWebhook(cluster));
const path = `/apis/macvtap.network.kubevirt.io/v1alpha1/namespaces/${installationNamespace}/macvtapnetworknodepolicies`;
const guardMs = 120_000;

interface WrittenPolicy {
  readonly metadata: { readonly resourceVersion: string };
  readonly status?: PolicyStatus;
}

const untilStatus = (isWanted: (status: PolicyStatus) => boolean) =>
  until(
    () => cluster.admin.must<WrittenPolicy>('GET', `${path}/bonds`),
    ({ status }) => status !== undefined && isWanted(status),
    guardMs,
  );
/**
 * Waits until the webhook has written the statuses of all earlier changes. Statuses are written one after another: once
 * a new policy has a status, so has each earlier policy.
 */
async function untilStatusesAreWritten(): Promise<void> {
  const name = `after-${crypto.randomUUID()}`;
  const spec = { parentSelector: [{ parentIface: 'eth9' }], nodeSelector: { matchLabels: { rack: 'none' } } };
  await cluster.admin.must('POST', path, {
    body: {
      apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
      kind: 'MacvtapNetworkNodePolicy',
      metadata: { name },
      spec,
    },
  });
  await until(
    async () => statusWrites(webhook.process, `${installationNamespace}/${name}`),
    ({ length }) => length > 0,
    guardMs,
  );
}

const writes = () => statusWrites(webhook.process, `${installationNamespace}/bonds`).length;

describe(`a policy of ${count} nodes`, () => {
  it('is written a few times while all nodes apply it', async () => {
    await cluster.admin.must('POST', path, {
      body: {
        apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
        kind: 'MacvtapNetworkNodePolicy',
        metadata: { name: 'bonds' },
        spec: {
          parentSelector: [{ parentIface: 'bond1' }, { parentIface: 'eth9', resourceName: 'none' }],
          nodeSelector: { matchExpressions: [{ key: 'rack', operator: 'Exists' }] },
        },
      },
    });
    await untilStatus(({ matchedNodes }) => matchedNodes === count);
    await nodes.report();
    const { status } = await untilStatus(({ exposingNodes }) => exposingNodes === count);
    assert.deepEqual(status?.entries, [
      { index: 0, nodes: count },
      { index: 1, nodes: 0 },
    ]);
    assert.ok(writes() <= fewWrites, `${writes()} writings`);
  });

  it('is not written when the nodes report the same state again', async () => {
    await untilStatusesAreWritten();
    const before = writes();
    const { metadata } = await untilStatus(() => true);
    await nodes.report();
    await untilStatusesAreWritten();
    assert.equal((await untilStatus(() => true)).metadata.resourceVersion, metadata.resourceVersion);
    assert.equal(writes(), before);
  });

  it('is written a few more times while the nodes apply an edit', async () => {
    const before = writes();
    await cluster.admin.must('PATCH', `${path}/bonds`, {
      body: { spec: { priority: 7 } },
      contentType: 'application/merge-patch+json',
    });
    await untilStatus(({ observedGeneration }) => observedGeneration === 2);
    await nodes.report();
    await untilStatus(({ exposingNodes }) => exposingNodes === count);
    assert.ok(writes() - before <= fewWrites, `${writes() - before} writings`);
  });
});
