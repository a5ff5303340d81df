// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodePlan } from '../policy/plan/node-plan.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { Device } from './deviceplugin/device-list.ts';
import { type GaugeValues, recordGauges } from './serve-health.ts';

const device = (id: string, healthy: boolean): Device => ({ id, healthy, numaNodes: [] });
const nothing: GaugeValues = { listed: new Map(), held: new Set(), unregistered: [], stranded: 0 };

async function linesOf(values: GaugeValues, name: string): Promise<readonly string[]> {
  const metrics = createMetrics();
  recordGauges(metrics, () => values);
  const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith(`kube_macvtap_node_${name}`));
  return lines.map((line) => line.slice(`kube_macvtap_node_${name}`.length));
}

test('stranded attachments are counted', async () => {
  assert.deepEqual(await linesOf({ ...nothing, stranded: 2 }, 'stranded_attachments'), [' 2']);
});

test('devices are counted by resource, health and state, and a removed resource has no series', async () => {
  const devices = [device('netMvp0', true), device('netMvp1', false), device('netMvp2', true)];
  const values = { ...nothing, listed: new Map([['net', devices]]), held: new Set(['netMvp1', 'netMvp2']) };
  assert.deepEqual(await linesOf(values, 'devices'), [
    '{resource="net",health="Healthy",state="held"} 1',
    '{resource="net",health="Healthy",state="free"} 1',
    '{resource="net",health="Unhealthy",state="held"} 1',
    '{resource="net",health="Unhealthy",state="free"} 0',
  ]);
  assert.deepEqual(await linesOf(nothing, 'devices'), []);
});

test('each resource is shown as registered or not', async () => {
  const listed = new Map([
    ['a', []],
    ['b', []],
  ]);
  assert.deepEqual(await linesOf({ ...nothing, listed, unregistered: ['b'] }, 'resource_registered'), [
    '{resource="a"} 1',
    '{resource="b"} 0',
  ]);
});

test('the metrics of a plan contain its creation time, and count unexposed entries, but not implicit interfaces', async () => {
  const plan = {
    source: 'policies',
    resources: [],
    skipped: [
      { code: 'NothingFound', source: 'policy', policy: 'ns/p', entry: 0 },
      { code: 'NothingFound', source: 'policy', policy: 'ns/p', entry: 1 },
      { code: 'Loopback', source: 'implicit', interface: 'lo' },
    ],
    conflicts: [{ code: 'ResourceNameTaken', source: 'policy', policy: 'ns/q', resource: 'net' }],
  } as unknown as NodePlan;
  const values = { ...nothing, plan: { plan, madeMs: 1_500, isInForce: true } };
  assert.deepEqual(await linesOf(values, 'plan_findings'), ['{code="NothingFound"} 2', '{code="ResourceNameTaken"} 1']);
  assert.deepEqual(await linesOf(values, 'plan_timestamp_seconds'), [' 1.5']);
  assert.deepEqual(await linesOf(values, 'plan_in_force'), [' 1']);
  const waiting = { ...nothing, plan: { plan, madeMs: 1_500, isInForce: false } };
  assert.deepEqual(await linesOf(waiting, 'plan_in_force'), [' 0']);
  assert.deepEqual(await linesOf(nothing, 'plan_in_force'), [' 0']);
  assert.deepEqual(await linesOf(nothing, 'plan_timestamp_seconds'), [' Nan']);
});
