// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../runtime/metrics.ts';
import type { Device } from './deviceplugin/device-list.ts';
import { nodePluginMetrics, recordDevices } from './record-devices.ts';

const device = (id: string, healthy: boolean): Device => ({ id, healthy, numaNodes: [] });

test('devices are counted by resource and health, and not at all when their resource is gone', async () => {
  const metrics = createMetrics();
  const listed = new Map([['net', [device('netMvp0', true), device('netMvp1', false), device('netMvp2', true)]]]);
  recordDevices(metrics, () => listed);
  const lines = async () => (await metrics.metrics()).split('\n').filter((line) => /^[^#]/.test(line));
  assert.deepEqual(await lines(), [
    'kube_macvtap_node_devices{resource="net",health="Healthy"} 2',
    'kube_macvtap_node_devices{resource="net",health="Unhealthy"} 1',
  ]);
  listed.clear();
  assert.deepEqual(await lines(), []);
});

test('all metrics are registered, with their texts', async () => {
  const metrics = createMetrics();
  recordDevices(metrics, () => new Map());
  const registered = (await metrics.getMetricsAsJSON()).map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), nodePluginMetrics);
});
