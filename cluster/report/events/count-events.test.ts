// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../../../runtime/metrics.ts';
import { countEvents, countWrites, eventMetrics } from './count-events.ts';
import type { EventWrite } from './event-book.ts';

const write = {} as EventWrite;
const { signal } = new AbortController();

test('every metric of the table is registered with its text, and what is counted begins at 0', async () => {
  const metrics = createMetrics();
  const count = countEvents(metrics);
  const registered = metrics.getMetricsAsArray().map(({ name, help }) => [name, help]);
  assert.deepEqual(Object.fromEntries(registered), eventMetrics);
  count('dropped', 3);
  const text = await metrics.metrics();
  for (const line of ['{outcome="written"} 0', '{outcome="failed"} 0', '{outcome="dropped"} 3']) {
    assert.ok(text.includes(`kube_macvtap_events_total${line}\n`), line);
  }
});

test('a write is counted by what comes of it, and what is given up not at all', async () => {
  const told: string[] = [];
  const count = (outcome: string, times: number) => void told.push(`${outcome} ${times}`);
  assert.equal(await countWrites({ write: async () => 7 }, count).write(write, signal), 7);
  const failing = countWrites({ write: () => Promise.reject(new Error('no')) }, count);
  await assert.rejects(failing.write(write, signal), /no/);
  await assert.rejects(failing.write(write, AbortSignal.abort()), /no/);
  assert.deepEqual(told, ['written 1', 'failed 1']);
});
