// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { installationNamespace } from './install.ts';
import { startWebhook } from './start-webhook.ts';

// Runs two replicas of the webhook, of which one holds the Lease.
const cluster = await clusterOfFile();
const path = `/apis/coordination.k8s.io/v1/namespaces/${installationNamespace}/leases/kube-macvtap-webhook`;

interface Lease {
  readonly metadata: { readonly managedFields: readonly { readonly manager: string }[] };
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds: number;
    readonly leaseTransitions: number;
  };
}

const readLease = () => cluster.admin.must<Lease>('GET', path);
const untilHeld = async (isWanted: (holder: string | undefined) => boolean) =>
  await until(readLease, ({ spec }) => isWanted(spec?.holderIdentity), 30_000);
/** Matches the log line of a new holder. It appears when the response to the write of the Lease has arrived. */
const holds = /"isHolder":true/;

describe('the Lease of the webhook', () => {
  it('is held by one of two replicas, and by the other as soon as the holder is asked to end', async () => {
    await using first = await startWebhook(cluster);
    const held = await untilHeld((holder) => holder !== undefined);
    await first.process.waitForLine(holds);
    await using second = await startWebhook(cluster);
    assert.doesNotMatch(second.process.output, holds);
    // A stopping replica still answers reviews for a while, but it releases the Lease at once.
    await first.process.stop();
    const taken = await untilHeld((holder) => holder !== undefined && holder !== held.spec?.holderIdentity);
    await second.process.waitForLine(holds);
    assert.equal(taken.spec?.leaseTransitions, 2);
    assert.equal(taken.spec?.leaseDurationSeconds, 15);
  });

  it('is released by the last replica when it ends', async () => {
    const { spec } = await untilHeld((holder) => holder === undefined);
    assert.equal(spec?.leaseTransitions, 2);
  });

  it('goes to the other replica after its holder was killed and the Lease has expired', async () => {
    await using first = await startWebhook(cluster);
    const { spec: before } = await untilHeld((holder) => holder !== undefined);
    await first.process.waitForLine(holds);
    await using second = await startWebhook(cluster);
    first.process.signal('SIGKILL');
    await first.process.exit;
    const { spec: after } = await untilHeld((holder) => holder !== before?.holderIdentity);
    assert.notEqual(after?.holderIdentity, undefined);
    await second.process.waitForLine(holds);
  });

  it('is reported as missing, with the fix, when a user deletes it; a replica takes it once it exists again', async () => {
    await using webhook = await startWebhook(cluster);
    await untilHeld((holder) => holder !== undefined);
    const { metadata: _, ...lease } = await readLease();
    await cluster.admin.must('DELETE', path);
    await webhook.process.waitForLine(
      /does not exist, and this service account may not create it: apply the chart again/,
    );
    assert.ok(await webhook.isReady());
    const metadata = { name: 'kube-macvtap-webhook' };
    await cluster.admin.must('POST', path.slice(0, path.lastIndexOf('/')), { body: { ...lease, metadata } });
    await untilHeld((holder) => holder !== undefined);
    await webhook.process.waitForLine(/the Lease can be read and written again/);
  });
});
