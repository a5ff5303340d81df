// SPDX-License-Identifier: Apache-2.0
// Tests that a real Prometheus scrapes the pods of the chart, and that the log level can be changed while they run.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../process/until.ts';
import { alertCases } from '../prometheus/alert-cases.ts';
import { filledIn, readQueries } from '../prometheus/dashboard.ts';
import { type Prometheus, startPrometheus } from '../prometheus/start-prometheus.ts';
import { findNodePlugin } from './install/node-plugin-pod.ts';
import { installationNamespace } from './install/release.ts';
import { macvtapClusterOfFile } from './macvtap-cluster-of-file.ts';
import { deletePod, type Pod, runPod } from './pods.ts';
import { untilHeld } from './resources.ts';
import { applySeed } from './seed-objects.ts';

const cluster = await macvtapClusterOfFile({
  node: { metricsOnNode: true },
  grafanaDashboard: { enabled: true },
});
const guardMs = 150_000;
let prometheus: Prometheus;
after(() => prometheus?.[Symbol.asyncDispose]());

/** These panels may be empty: no test here sends an invalid request, and the kernel need not refuse anything. */
const silentPanels = ['CNI failures', 'Requests rejected by the kernel'];

async function addressesOf(component: string, port: number): Promise<readonly string[]> {
  const query = new URLSearchParams({ labelSelector: `app.kubernetes.io/component=${component}` });
  const { items } = await cluster.admin.must<{ items: readonly Pod[] }>(
    'GET',
    `/api/v1/namespaces/${installationNamespace}/pods?${query}`,
  );
  return items.map(({ status }) => `${status.podIP}:${port}`);
}

const logOf = (pod: string) => cluster.mustKubectl(['logs', '-n', installationNamespace, pod]);

before(async () => {
  await applySeed(cluster);
  prometheus = await startPrometheus({
    'kube-macvtap-webhook': await addressesOf('webhook', 9443),
    'kube-macvtap-nodeplugin': await addressesOf('node', 9444),
  });
  // Two replicas and three nodes. Every target is scraped once before the test changes anything.
  await prometheus.until('count(kube_macvtap_build_info)', ([count]) => count?.value === 5);
  await runPod(cluster, { name: 'vm', node: 'h1', networks: 'macvtap0' });
  const { code } = await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(unknown));
  assert.equal(code, 1);
});

const unknown = {
  apiVersion: 'k8s.cni.cncf.io/v1',
  kind: 'NetworkAttachmentDefinition',
  metadata: {
    name: 'slip',
    namespace: 'default',
    annotations: { 'k8s.v1.cni.cncf.io/resourceName': 'macvtap.network.kubevirt.io/bondedIfcae' },
  },
  spec: { config: '{"type": "macvtap"}' },
};

describe('a Prometheus that scrapes the pods of the chart', () => {
  it('has the held device, the attached pod, and the one replica that holds the Lease', async () => {
    for (const [expr, value] of [
      ['kube_macvtap_node_devices{resource="bondedIface",state="held",health="Healthy"} > 0', 1],
      ['sum(kube_macvtap_node_cni_request_duration_seconds_count{command="ADD",outcome="succeeded"})', 1],
      ['sum(kube_macvtap_webhook_lease_held)', 1],
      ['min(kube_macvtap_cache_synced)', 1],
      ['sum(kube_macvtap_webhook_denials_total{code="ResourceUnknown"})', 1],
    ] as const) {
      await prometheus.until(expr, (answer) => answer.length === 1 && answer[0]?.value === value);
    }
  });

  it("answers every query of the chart's dashboard", async () => {
    await deletePod(cluster, 'vm');
    await untilHeld(cluster, 'h1', 'bondedIface', 0);
    const shipped = await cluster.mustKubectl([
      ...['get', 'configmap', 'kube-macvtap-dashboard', '-n', installationNamespace],
      ...['-o', 'jsonpath={.data.kube-macvtap\\.json}'],
    ]);
    const queries = readQueries();
    for (const { panel, expr } of queries) {
      assert.ok(shipped.includes(JSON.stringify(expr)), expr);
      if (silentPanels.includes(panel)) await prometheus.query(filledIn(expr));
      else await prometheus.until(filledIn(expr), (answer) => answer.some(({ value }) => !Number.isNaN(value)));
    }
    assert.deepEqual(
      silentPanels.filter((title) => !queries.some(({ panel }) => panel === title)),
      [],
    );
  });

  it('evaluates every alert, and in a healthy cluster none is even pending', async () => {
    const rules = await until(
      () => prometheus.rules(),
      (all) => all.every(({ health, alerts }) => health !== 'unknown' && alerts.length === 0),
      guardMs,
    );
    assert.deepEqual(
      rules.map(({ name, health }) => [name, health]),
      Object.keys(alertCases).map((name) => [name, 'ok']),
    );
  });
});

describe('the log', () => {
  it('has a line for the attached pod, with the duration of the ADD', async () => {
    const { name } = await findNodePlugin(cluster, 'h1');
    const log = await logOf(name);
    assert.match(log, /"pod":\{"namespace":"default","name":"vm"\},.*"durationMs":[\d.]+,"msg":"pod attached"/);
    assert.match(log, /"devices":\["bondedIfaceMvp\d+"\],"durationMs":[\d.]+,"msg":"devices allocated"/);
  });

  it('gets another level when the ConfigMap is created, without a restart', async () => {
    const { name, restarts } = await findNodePlugin(cluster, 'h1');
    const data = { nodeplugin: 'debug' };
    const metadata = { name: 'kube-macvtap-log-level', namespace: installationNamespace };
    await cluster.apply([{ apiVersion: 'v1', kind: 'ConfigMap', metadata, data }]);
    // The annotation makes kubelet update the pod's ConfigMap volume immediately, instead of within about a minute.
    await cluster.mustKubectl(['annotate', 'pod', '-n', installationNamespace, name, 'looked-at=now']);
    await until(
      () => logOf(name),
      (log) => /"from":"info","to":"debug","by":"[^"]+","msg":"log level changed"/.test(log),
      guardMs,
    );
    assert.equal((await findNodePlugin(cluster, 'h1')).restarts, restarts);
  });
});
