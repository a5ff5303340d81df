// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics, processMetrics, recordProcess } from './metrics.ts';

const build = { component: 'webhook', version: '1.2.3' } as const;

async function read(metrics: ReturnType<typeof createMetrics>): Promise<ReadonlyMap<string, number>> {
  const lines = (await metrics.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.split(' ')[0] as string, Number(line.split(' ')[1])]));
}

test('exactly the metrics of the process are registered, with their help texts', () => {
  const metrics = createMetrics();
  using _recording = recordProcess(metrics, build);
  const registered = metrics.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), processMetrics);
});

test('the values are those of this process', async () => {
  const metrics = createMetrics();
  using _recording = recordProcess(metrics, build);
  const values = await read(metrics);
  assert.equal(values.get('kube_macvtap_build_info{component="webhook",version="1.2.3"}'), 1);
  const began = values.get('process_start_time_seconds') ?? Number.NaN;
  assert.ok(began > Date.now() / 1_000 - process.uptime() - 5 && began <= Date.now() / 1_000, `${began}`);
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_open_fds']) {
    assert.ok((values.get(name) ?? 0) > 0, name);
  }
});

test('a delay of the event loop is in the next scrape, and not in later ones', async () => {
  const metrics = createMetrics();
  using _recording = recordProcess(metrics, build);
  const turn = () => new Promise((resolve) => setTimeout(resolve, 60));
  await turn();
  // Blocks the event loop for at least two seconds. The exact time does not matter.
  for (const until = performance.now() + 2_000; performance.now() < until; );
  await turn();
  const max = async () => (await read(metrics)).get('nodejs_eventloop_lag_max_seconds') ?? Number.NaN;
  assert.ok((await max()) > 1);
  // Each read resets the maximum. Other processes on the machine may also delay the event loop, but by less.
  assert.ok((await max()) < 1);
});
