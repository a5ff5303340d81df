// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter } from 'prom-client';
import { startHealthServer } from './health-server.ts';
import { formatAddress } from './listen-address.ts';
import { createMetrics } from './metrics.ts';

const address = { host: '127.0.0.1', port: 0 };

async function stage(metrics: Parameters<typeof startHealthServer>[0]['metrics'] = createMetrics()) {
  const lacking: string[] = [];
  const server = await startHealthServer({ address, metrics, missing: () => lacking });
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://${formatAddress(server.address)}${path}`, { method });
    return { status: answer.status, body: await answer.text(), type: answer.headers.get('content-type') };
  };
  return { lacking, ask, server, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test('a running process is healthy, even if it is not ready', async () => {
  await using health = await stage();
  health.lacking.push('no certificate');
  assert.deepEqual(await health.ask('/healthz'), { status: 200, body: 'ok\n', type: 'text/plain; charset=utf-8' });
});

test('a failed readiness check lists the missing conditions', async () => {
  await using health = await stage();
  assert.equal((await health.ask('/readyz')).status, 200);
  health.lacking.push('caches not synced', 'no certificate');
  const { status, body } = await health.ask('/readyz?verbose');
  assert.deepEqual([status, body], [503, 'caches not synced\nno certificate\n']);
});

test('metrics are in the format of Prometheus', async () => {
  const metrics = createMetrics();
  new Counter({ name: 'things_total', help: 'Things.', registers: [metrics] }).inc();
  await using health = await stage(metrics);
  const { status, body, type } = await health.ask('/metrics');
  assert.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8']);
  assert.match(body, /^things_total 1$/m);
});

test('a failure to collect metrics affects only that request', async () => {
  const metrics = { contentType: 'text/plain', metrics: () => Promise.reject(new Error('collector gone')) } as const;
  await using health = await stage(metrics as unknown as ReturnType<typeof createMetrics>);
  assert.deepEqual(await health.ask('/metrics').then(({ status, body }) => [status, body]), [500, 'collector gone\n']);
  assert.equal((await health.ask('/healthz')).status, 200);
});

test('HEAD is GET without a body; other paths and methods are refused', async () => {
  await using health = await stage();
  assert.deepEqual(await health.ask('/readyz', 'HEAD').then(({ status, body }) => [status, body]), [200, '']);
  assert.equal((await health.ask('/readyz', 'POST')).status, 405);
  assert.equal((await health.ask('/debug')).status, 404);
});

test('the start fails if the port is in use', async () => {
  await using health = await stage();
  const { address: taken } = health.server;
  await assert.rejects(startHealthServer({ address: taken, metrics: createMetrics(), missing: () => [] }), {
    code: 'ListenFailed',
  });
});

test('the server ends without waiting for a scraper that keeps its connection open', async () => {
  const health = await stage();
  await health.ask('/healthz');
  await health[Symbol.asyncDispose]();
  await assert.rejects(health.ask('/healthz'));
});
