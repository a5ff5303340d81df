// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../runtime/metrics.ts';
import { recordSource, sourceMetrics } from './record-source.ts';

test('every metric of the table is registered with its text, and no other', () => {
  const metrics = createMetrics();
  recordSource(metrics, () => undefined);
  const registered = metrics.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), sourceMetrics);
});

test('before there is a source nothing is synced, and no kind has an age', async () => {
  const metrics = createMetrics();
  recordSource(metrics, () => undefined);
  const text = await metrics.metrics();
  assert.match(text, /^kube_macvtap_cache_synced 0$/m);
  assert.doesNotMatch(text, /^kube_macvtap_cache_age_seconds/m);
});

test('a kind is as old as its last confirmation, and infinitely old without one', async () => {
  const metrics = createMetrics();
  const heardMs = new Map([
    ['Node', performance.now() - 90_000],
    ['Namespace', undefined],
  ]);
  recordSource(metrics, () => ({ synced: true, heardMs, faults: [{ where: 'Node a', message: 'm' }] }));
  const text = await metrics.metrics();
  assert.match(text, /^kube_macvtap_cache_synced 1$/m);
  assert.match(text, /^kube_macvtap_cache_faults 1$/m);
  assert.match(text, /^kube_macvtap_cache_age_seconds\{kind="Namespace"\} \+Inf$/m);
  const age = Number(/^kube_macvtap_cache_age_seconds\{kind="Node"\} (.*)$/m.exec(text)?.[1]);
  assert.ok(age >= 90, `${age}`);
});
