// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MacvtapError } from '../runtime/errors.ts';
import { createMetrics } from '../runtime/metrics.ts';
import { cniFamilies } from './cni/spec/cni-protocol.ts';
import { recordGauges } from './serve-health.ts';
import { createWorkRecorder, nodePluginMetrics } from './work-metrics.ts';

const failedWith = (code: number) => ({ code, operation: 'ADD', error: new MacvtapError('ParentGone', 'gone') });

test('exactly the metrics of the table are registered, with their texts', () => {
  const metrics = createMetrics();
  createWorkRecorder(metrics);
  recordGauges(metrics, () => ({ listed: new Map(), held: new Set(), unregistered: [], stranded: 0 }));
  const registered = metrics.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), nodePluginMetrics);
});

test('all series exist from the start, with value 0', async () => {
  const metrics = createMetrics();
  createWorkRecorder(metrics);
  const lines = (await metrics.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(' 0')),
    [],
  );
  const histograms = (12 + 3) * (2 * 2 + 2 * 2 + 4 * 2 + 6 * 2 + 3 * 2);
  const families = cniFamilies.length;
  assert.equal(lines.length, histograms + 4 * families + 3 + 20 + 2 + 3 + 1 + 1 + 2 + 2 + 2 + 3);
});

test('a pod without a device is counted once, even if its ADD is repeated', async () => {
  const metrics = createMetrics();
  const recorder = createWorkRecorder(metrics);
  const fail = (command: 'ADD' | 'CHECK', uid: string, code: 'DeviceMissing' | 'ParentGone' = 'DeviceMissing') => {
    const pod = { namespace: 'vms', name: 'vm-a', uid };
    const environment = { command, containerID: 'c', netns: '', sandbox: '', ifname: 'net1', pod };
    const failure = { code: 100, operation: command, error: new MacvtapError(code, ''), environment };
    recorder.cniRequest({ command, durationMs: 4, failure });
  };
  for (const uid of ['1', '1', '2', '1']) fail('ADD', uid);
  fail('CHECK', '3');
  fail('ADD', '4', 'ParentGone');
  assert.match(await metrics.metrics(), /\nkube_macvtap_node_pods_not_injected_total 2\n/);
  // Only the last thousand pods are remembered, so pod 1 is then counted again.
  for (let uid = 10; uid < 1_010; uid += 1) fail('ADD', String(uid));
  fail('ADD', '1');
  assert.match(await metrics.metrics(), /\nkube_macvtap_node_pods_not_injected_total 1003\n/);
});

test('operations are counted by their labels', async () => {
  const metrics = createMetrics();
  const recorder = createWorkRecorder(metrics);
  recorder.deviceCall({ method: 'Allocate', devices: ['netMvp0'], durationMs: 2 });
  recorder.cniRequest({ command: 'ADD', durationMs: 4, failure: failedWith(11) });
  recorder.cniRequest({ command: 'DEL', durationMs: 4 });
  recorder.cniRequest({ command: 'anything', durationMs: 4, failure: failedWith(100) });
  recorder.cniStep('create', 'succeeded', 0.4);
  recorder.allocateStep('wait', 'failed', 0.4);
  recorder.registration('lost');
  recorder.netlinkError(new MacvtapError('ParentGone', ''));
  recorder.netlinkError(new MacvtapError('TapNodeUnreadable', ''));
  recorder.orphan('removed');
  recorder.vlan('created');
  recorder.lostAttachments(2);
  recorder.ledgerWrite('failed');
  recorder.stateWrite('written');
  recorder.podResources('incomplete');
  const text = await metrics.metrics();
  for (const line of [
    'device_call_duration_seconds_count{method="Allocate",outcome="succeeded"} 1',
    'cni_request_duration_seconds_count{command="ADD",outcome="failed"} 1',
    'cni_request_duration_seconds_count{command="DEL",outcome="succeeded"} 1',
    'cni_request_duration_seconds_sum{command="other",outcome="failed"} 0.004',
    'cni_failures_total{command="ADD",error="tryAgainLater"} 1',
    'vlans_total{outcome="created"} 1',
    'cni_failures_total{command="other",error="ours"} 1',
    'cni_step_duration_seconds_bucket{le="0.0005",step="create",outcome="succeeded"} 1',
    'allocate_step_duration_seconds_count{step="wait",outcome="failed"} 1',
    'registrations_total{outcome="lost"} 1',
    'netlink_errors_total{code="ParentGone"} 1',
    'netlink_errors_total{code="Unexpected"} 1',
    'orphans_total{outcome="removed"} 1',
    'lost_attachments_total 2',
    'ledger_writes_total{outcome="failed"} 1',
    'state_writes_total{outcome="written"} 1',
    'pod_resources_answers_total{outcome="incomplete"} 1',
  ]) {
    assert.ok(text.includes(`\nkube_macvtap_node_${line}\n`), line);
  }
});
