// SPDX-License-Identifier: Apache-2.0
// Tests the answers of a real node plugin to probes and Prometheus.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { needsRoot } from '../kernel/network-namespace.ts';
import { makePluginNode, policyObject, quick } from './plugin-node.ts';
import { until } from './until.ts';

const run = promisify(execFile);

test('it is ready once kubelet has its resources, and counts their devices', { skip: needsRoot }, async () => {
  await using node = await makePluginNode(['eth0']);
  const { namespace } = node;
  await namespace.ip('link set lo up');
  const entry = { parentIface: 'eth0', quantity: 3, resourceName: 'net' };
  const plugin = node.start(...quick, '--metrics-listen', '127.0.0.1:0');
  const line = await plugin.waitForLine(/"health and metrics are served"/);
  const port = /"address":"127\.0\.0\.1:(\d+)"/.exec(line)?.[1];
  const script = 'const r = await fetch(process.argv[1]); console.log(r.status, await r.text());';
  const get = async (path: string) => {
    const command = [process.execPath, '--input-type=module', '-e', script, `http://127.0.0.1:${port}${path}`];
    return (await run('ip', ['netns', 'exec', namespace.name, ...command])).stdout.trim();
  };
  await node.write('p.yaml', policyObject('p', { parentSelector: [entry] }));
  await node.offers({ net: 3 });
  await until(
    () => get('/readyz'),
    (answer) => answer === '200 ok',
  );
  assert.equal(await get('/healthz'), '200 ok');
  await node.allocate('net');
  const metrics = await until(
    () => get('/metrics'),
    (text) => text.includes('{resource="net",health="Healthy",state="held"} 1'),
  );
  for (const line of [
    'kube_macvtap_node_devices{resource="net",health="Healthy",state="free"} 2',
    'kube_macvtap_node_resource_registered{resource="net"} 1',
    'kube_macvtap_node_plan_in_force 1',
    'kube_macvtap_node_device_call_duration_seconds_count{method="Allocate",outcome="succeeded"} 1',
    'kube_macvtap_node_ledger_writes_total{outcome="written"} 1',
    'kube_macvtap_cache_synced 1',
  ]) {
    assert.ok(metrics.includes(`\n${line}\n`), `${line} is not in\n${metrics}`);
  }
  // Without a policy, eth0 is exposed as an implicit resource, which may have registered before `net`.
  assert.match(metrics, /^kube_macvtap_node_registrations_total\{outcome="registered"\} [12]$/m);
  assert.match(metrics, /^kube_macvtap_node_pod_resources_answers_total\{outcome="(?:in)?complete"\} [1-9]/m);
  await plugin.waitForLine(/"devices":\["netMvp\d"\],"durationMs":[\d.]+,"msg":"devices allocated"/);
});
