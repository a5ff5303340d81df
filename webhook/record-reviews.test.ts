// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../runtime/metrics.ts';
import { recordReviews, webhookMetrics } from './record-reviews.ts';

const pods = { kind: 'Pod', verb: 'mutate' } as const;

test('every counter is there from the start, at 0', async () => {
  const registry = createMetrics();
  recordReviews(registry);
  const text = await registry.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.equal(lines.length, 3 * 2 * (5 + 1) + 3 * 3 + 1);
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' 0')),
    ['kube_macvtap_webhook_certificate_expiry_seconds Nan'],
  );
});

test('every metric of the table is registered with its text, and no other', () => {
  const registry = createMetrics();
  recordReviews(registry);
  const registered = registry.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), webhookMetrics);
});

test('what happens is counted by its labels', async () => {
  const registry = createMetrics();
  const recorder = recordReviews(registry);
  recorder.review(pods, 'patched');
  recorder.bug(pods);
  recorder.lookup('network', 'absent');
  recorder.certificate(1_500);
  const text = await registry.metrics();
  for (const line of [
    'kube_macvtap_webhook_reviews_total{kind="Pod",verb="mutate",outcome="patched"} 1',
    'kube_macvtap_webhook_recovered_bugs_total{kind="Pod",verb="mutate"} 1',
    'kube_macvtap_webhook_lookups_total{kind="network",outcome="absent"} 1',
    'kube_macvtap_webhook_certificate_expiry_seconds 1.5',
  ]) {
    assert.ok(text.includes(line), line);
  }
});
