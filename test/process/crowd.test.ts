// SPDX-License-Identifier: Apache-2.0
// Tests the real webhook process with clients that have no credentials and use as many of its resources as they can.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readMetrics } from '../apiserver/read-metrics.ts';
import { holdBodies } from './hold-bodies.ts';
import { until } from './until.ts';
import { startWebhook, type WebhookProcess } from './webhook-process.ts';

const files = {
  'namespace.yaml': 'apiVersion: v1\nkind: Namespace\nmetadata: {name: tenant}\n',
  'policy.yaml': `apiVersion: macvtap.network.kubevirt.io/v1alpha1
kind: MacvtapNetworkNodePolicy
metadata: {name: p, namespace: macvtap-cni}
spec: {parentSelector: [{parentIface: bond1, mode: private, resourceName: dataplane}]}
`,
};
const nad = { metadata: { name: 'net' }, spec: { config: '{"type": "macvtap"}' } };

/** The chart's memory limit: charts/kube-macvtap/values.yaml, webhook.resources. */
const memoryLimit = 512 * 1024 * 1024;

/** Returns the peak resident memory of the process, in bytes. */
async function peakMemory({ process }: WebhookProcess): Promise<number> {
  const status = await readFile(`/proc/${process.pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function refusalsOf(webhook: WebhookProcess): Promise<number> {
  const samples = readMetrics((await webhook.health('/metrics')).body);
  const refusals = samples.filter(({ name }) => name === 'kube_macvtap_webhook_refusals_total');
  return refusals.reduce((sum, { value }) => sum + value, 0);
}

test('200 connections with incomplete bodies of 7 MiB leave memory and connections for reviews', {
  timeout: 300_000,
}, async () => {
  await using webhook = await startWebhook(files);
  const port = await webhook.listening();
  assert.equal((await webhook.review('mutate', nad)).allowed, true);
  using first = holdBodies({ port, localAddress: '127.0.0.2', count: 100 });
  using second = holdBodies({ port, localAddress: '127.0.0.3', count: 100 });
  await until(
    () => refusalsOf(webhook),
    (refusals) => refusals >= 180,
  );
  await until(
    async () => first.closed + second.closed,
    (closed) => closed >= 180,
  );
  for (let count = 0; count < 20; count += 1) {
    assert.match(JSON.stringify(await webhook.review('mutate', nad)), /"patchType":"JSONPatch"/);
  }
  const padded = { ...nad, padding: 'x'.repeat(1024 * 1024) };
  assert.match(JSON.stringify(await webhook.review('mutate', padded)), /"patchType":"JSONPatch"/);
  assert.equal((await webhook.health('/readyz')).status, 200);
  assert.ok((await peakMemory(webhook)) < memoryLimit, `${await peakMemory(webhook)} bytes`);
  const lines = webhook.process.output.split('\n').filter((line) => line.includes('was refused'));
  assert.ok(lines.length > 0 && lines.length < 200, `${lines.length} lines`);
});
