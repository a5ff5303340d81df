// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reasons } from '../../policy/reasons.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { createWebhookRecorder, denialCodes, webhookMetrics } from './webhook-metrics.ts';

const pods = { kind: 'Pod', verb: 'mutate' } as const;

test('every counter starts at 0, and the number of series is small', async () => {
  const registry = createMetrics();
  createWebhookRecorder(registry);
  const text = await registry.metrics();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const reviews = 5 * 2 * (3 * 4 + 1);
  const durations = 5 * 2 * (12 + 3);
  const denials = 18 + 5 + 12 + 2 * 2;
  assert.equal(lines.length, reviews + durations + denials + 5 * 2 + 4 * 4 + 11 + 2 + 3 + 1 + 1 + 1 + 2);
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' 0')),
    ['kube_macvtap_webhook_certificate_start_seconds Nan', 'kube_macvtap_webhook_certificate_expiry_seconds Nan'],
  );
});

test('exactly the metrics in the table are registered, with their help texts', () => {
  const registry = createMetrics();
  createWebhookRecorder(registry);
  const registered = registry.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), webhookMetrics);
});

test('events are counted with their labels', async () => {
  const registry = createMetrics();
  const recorder = createWebhookRecorder(registry);
  recorder.review(pods, { outcome: 'patched', operation: 'CREATE', durationMs: 0.75 });
  recorder.review(pods, { outcome: 'allowed', operation: 'CONNECT', durationMs: 0.1 });
  recorder.denial({ kind: 'Pod' }, new Set(['NamespaceNotAdmitted']));
  recorder.bug(pods);
  recorder.lookup('network', 'absent');
  recorder.lookup('network', 'limited');
  recorder.refusal('bytes');
  recorder.leader(true);
  recorder.policyStatus('written');
  recorder.deviceClass('deleted');
  recorder.certificate({ startsMs: 500, expiresMs: 1_500 });
  const text = await registry.metrics();
  for (const line of [
    'kube_macvtap_webhook_reviews_total{kind="Pod",verb="mutate",operation="CREATE",outcome="patched"} 1',
    'kube_macvtap_webhook_reviews_total{kind="Pod",verb="mutate",operation="other",outcome="allowed"} 1',
    'kube_macvtap_webhook_review_duration_seconds_bucket{le="0.001",kind="Pod",verb="mutate"} 2',
    'kube_macvtap_webhook_review_duration_seconds_bucket{le="0.0005",kind="Pod",verb="mutate"} 1',
    'kube_macvtap_webhook_denials_total{kind="Pod",code="NamespaceNotAdmitted"} 1',
    'kube_macvtap_webhook_recovered_bugs_total{kind="Pod",verb="mutate"} 1',
    'kube_macvtap_webhook_lookups_total{kind="network",outcome="absent"} 1',
    'kube_macvtap_webhook_lookups_total{kind="network",outcome="limited"} 1',
    'kube_macvtap_webhook_refusals_total{reason="bytes"} 1',
    'kube_macvtap_webhook_lease_held 1',
    'kube_macvtap_webhook_policy_status_writes_total{outcome="written"} 1',
    'kube_macvtap_webhook_device_class_writes_total{change="deleted"} 1',
    'kube_macvtap_webhook_certificate_start_seconds 0.5',
    'kube_macvtap_webhook_certificate_expiry_seconds 1.5',
  ]) {
    assert.ok(text.includes(line), line);
  }
});

const folders = {
  'policy/nad': 'NetworkAttachmentDefinition',
  'policy/pod': 'Pod',
  'policy/nodepolicy': 'MacvtapNetworkNodePolicy',
} as const;

for (const [folder, kind] of Object.entries(folders)) {
  test(`a ${kind} is denied with exactly the codes that the rules in ${folder} use`, () => {
    const texts = globSync(`${import.meta.dirname}/../../${folder}/**/*.ts`, { exclude: ['**/*.test.ts'] }).map(
      (path) => readFileSync(path, 'utf8'),
    );
    // Finds the first argument of each call, which may be an expression that chooses between two codes.
    const said = texts.flatMap((text) => [...text.matchAll(/\bdeny\(\s*([^,]+),/g)].map(([, code = '']) => code));
    const codes = said.flatMap((code) => [...code.matchAll(/'(\w+)'/g)].map(([, name = '']) => name));
    assert.ok(said.length > 0);
    assert.deepEqual([...new Set(codes)].sort(), [...denialCodes[kind as keyof typeof denialCodes]].sort());
    for (const code of codes) assert.ok(code in reasons, code);
  });
}
