// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodePlan } from '../policy/plan/node-plan.ts';
import { createMetrics } from '../runtime/metrics.ts';
import type { Device } from './deviceplugin/device-list.ts';
import { recordStanding, type Standing } from './record-standing.ts';

const device = (id: string, healthy: boolean): Device => ({ id, healthy, numaNodes: [] });
const nothing: Standing = { listed: new Map(), held: new Set(), unregistered: [] };

async function linesOf(standing: Standing, name: string): Promise<readonly string[]> {
  const metrics = createMetrics();
  recordStanding(metrics, () => standing);
  const lines = (await metrics.metrics()).split('\n').filter((line) => line.startsWith(`kube_macvtap_node_${name}`));
  return lines.map((line) => line.slice(`kube_macvtap_node_${name}`.length));
}

test('devices are counted by resource, health and who has them, and not at all when their resource is gone', async () => {
  const devices = [device('netMvp0', true), device('netMvp1', false), device('netMvp2', true)];
  const standing = { ...nothing, listed: new Map([['net', devices]]), held: new Set(['netMvp1', 'netMvp2']) };
  assert.deepEqual(await linesOf(standing, 'devices'), [
    '{resource="net",health="Healthy",state="held"} 1',
    '{resource="net",health="Healthy",state="free"} 1',
    '{resource="net",health="Unhealthy",state="held"} 1',
    '{resource="net",health="Unhealthy",state="free"} 0',
  ]);
  assert.deepEqual(await linesOf(nothing, 'devices'), []);
});

test('a resource is registered or not', async () => {
  const listed = new Map([
    ['a', []],
    ['b', []],
  ]);
  assert.deepEqual(await linesOf({ ...nothing, listed, unregistered: ['b'] }, 'resource_registered'), [
    '{resource="a"} 1',
    '{resource="b"} 0',
  ]);
});

test('a plan has the time at which it was made, and counts what it does not expose, but not what nobody named', async () => {
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
  const standing = { ...nothing, plan: { plan, madeMs: 1_500, isInForce: true } };
  assert.deepEqual(await linesOf(standing, 'plan_findings'), [
    '{code="NothingFound"} 2',
    '{code="ResourceNameTaken"} 1',
  ]);
  assert.deepEqual(await linesOf(standing, 'plan_timestamp_seconds'), [' 1.5']);
  assert.deepEqual(await linesOf(standing, 'plan_in_force'), [' 1']);
  const waiting = { ...nothing, plan: { plan, madeMs: 1_500, isInForce: false } };
  assert.deepEqual(await linesOf(waiting, 'plan_in_force'), [' 0']);
  assert.deepEqual(await linesOf(nothing, 'plan_in_force'), [' 0']);
  assert.deepEqual(await linesOf(nothing, 'plan_timestamp_seconds'), [' Nan']);
});
