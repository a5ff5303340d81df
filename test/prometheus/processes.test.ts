// SPDX-License-Identifier: Apache-2.0
// Tests that a real Prometheus scrapes the running processes, answers every query of the dashboard, and evaluates every
// alert.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { after, describe, it } from 'node:test';
import { makeNetworkNamespace } from '../kernel/network-namespace.ts';
import { policyObject } from '../process/plugin-node.ts';
import { layCable } from '../process/reach-from-namespace.ts';
import { makeShimNode, needsRealShim, type ShimNode } from '../process/shim-node.ts';
import { until } from '../process/until.ts';
import { reviewText, startWebhook, type WebhookProcess } from '../process/webhook-process.ts';
import { alertCases } from './alert-cases.ts';
import { filledIn, readQueries } from './dashboard.ts';
import { needsPrometheus } from './needs-prometheus.ts';
import { startPrometheus } from './start-prometheus.ts';

const skip = needsPrometheus || needsRealShim;
const resources = 'macvtap.network.kubevirt.io';

/** Starts the processes and a Prometheus that scrapes them. */
async function start() {
  await using undo = new AsyncDisposableStack();
  const webhook = undo.use(await startWebhook({ 'namespace.yaml': namespace }));
  const node = undo.use(await makeShimNode());
  const pod = undo.use(await makeNetworkNamespace());
  const { inside } = undo.use(await layCable(node.namespace));
  const nodeAddress = `${inside}:9444`;
  const plugin = node.run('--metrics-listen', nodeAddress);
  await node.offers({ net: 2 });
  const line = await webhook.process.waitForLine(/"health and metrics are served"/);
  const webhookAddress = /"address":"([^"]+)"/.exec(line)?.[1] ?? assert.fail(line);
  await webhook.listening();
  const addresses = { 'kube-macvtap-webhook': [webhookAddress], 'kube-macvtap-nodeplugin': [nodeAddress] };
  const prometheus = undo.use(await startPrometheus(addresses));
  const scope = undo.move();
  return { webhook, node, pod, plugin, prometheus, addresses, [Symbol.asyncDispose]: () => scope.disposeAsync() };
}

const namespace = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: tenant}\n';

/**
 * Causes at least one event of each kind that metrics count. Every target was scraped before, because a rate needs two
 * scrapes.
 */
async function doEverything(webhook: WebhookProcess, node: ShimNode, netns: string): Promise<void> {
  const config = '{"type": "macvtap", "cniVersion": "1.0.0", "name": "net"}';
  const annotations = { 'k8s.v1.cni.cncf.io/resourceName': `${resources}/nobody` };
  await webhook.review('validate', { metadata: { name: 'net', annotations }, spec: { config } });
  await webhook.review('mutate', { metadata: { name: 'net' }, spec: { config: '{"type": "macvtap"}' } });
  const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c' }] } };
  await webhook.post('/validate/pods', reviewText(pod).replace('NetworkAttachmentDefinition', 'Pod'));
  await node.write('other.yaml', policyObject('q', { parentSelector: [{ parentIface: 'gone' }] }));
  const { id } = await node.admit();
  const conf = { deviceID: id };
  // The kernel refuses this MTU.
  assert.equal((await node.call('ADD', { netns, conf: { ...conf, mtu: 9_000 } })).exitCode, 1);
  assert.equal((await node.call('ADD', { netns, conf })).exitCode, 0);
  assert.equal((await node.call('DEL', { netns, conf })).exitCode, 0);
}

describe('a Prometheus that scrapes the running processes', { skip }, async () => {
  if (skip) return;
  await using undo = new AsyncDisposableStack();
  const stage = undo.use(await start());
  const { prometheus, webhook, node, pod, addresses } = stage;
  const scope = undo.move();
  after(() => scope.disposeAsync());
  await prometheus.until('count(kube_macvtap_build_info)', ([count]) => count?.value === 2);
  await doEverything(webhook, node, `/run/netns/${pod.name}`);
  // Each process is scraped at a separate moment.
  for (const happened of [
    'kube_macvtap_node_cni_request_duration_seconds_count{command="DEL"}',
    'kube_macvtap_webhook_review_duration_seconds_count{verb="validate"}',
    'kube_macvtap_webhook_review_duration_seconds_count{verb="mutate"}',
  ]) {
    await prometheus.until(`increase(${happened}[1m]) > 0`, (answer) => answer.length > 0);
  }

  for (const { panel, expr, legend } of readQueries()) {
    it(`answers ${panel}: ${expr}`, async () => {
      const answer = await prometheus.until(filledIn(expr), (series) => series.length > 0);
      // A mean is NaN if nothing happened. At least one series must have a value.
      assert.ok(
        answer.some(({ value }) => !Number.isNaN(value)),
        JSON.stringify(answer),
      );
      const labels = [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
      for (const { metric } of answer) for (const label of labels) assert.ok(label in metric, `${label} of ${legend}`);
    });
  }

  it('evaluates every alert without an error, and none fires', async () => {
    const rules = await until(
      () => prometheus.rules(),
      (all) => all.every(({ health }) => health !== 'unknown'),
    );
    assert.deepEqual(
      rules.map(({ name }) => name),
      Object.keys(alertCases),
    );
    assert.deepEqual(
      rules.filter(({ health, lastError }) => health !== 'ok' || lastError !== undefined),
      [],
    );
    const firing = rules.flatMap(({ alerts }) => alerts.filter(({ state }) => state === 'firing'));
    assert.deepEqual(firing, []);
  });

  it('gets only metrics that promtool accepts', async () => {
    const scraped = [
      (await webhook.health('/metrics')).body,
      await (await fetch(`http://${addresses['kube-macvtap-nodeplugin'][0]}/metrics`)).text(),
    ];
    for (const metrics of scraped) {
      const promtool = spawn('promtool', ['check', 'metrics'], { stdio: 'pipe' });
      promtool.stdin.end(metrics);
      const [output, errors] = await Promise.all([text(promtool.stdout), text(promtool.stderr)]);
      assert.equal(output + errors, '');
    }
  });
});
