// SPDX-License-Identifier: Apache-2.0
// Tests the chart in a namespace that has another name, and that enforces Kubernetes' Pod Security Standards.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { makeNamespace, makeNode, toText } from '../apiserver/install.ts';
import { podToken } from '../apiserver/pod-token.ts';
import { until } from '../process/until.ts';
import { startHelmCluster } from './helm-cluster.ts';
import { podTemplateOf } from './pod-spec.ts';
import { findObject, renderChart } from './render-chart.ts';
import { chartFolder } from './run-helm.ts';

const namespace = 'elsewhere';
const cluster = await startHelmCluster();
after(() => cluster[Symbol.asyncDispose]());
await makeNamespace(cluster, namespace, { 'pod-security.kubernetes.io/enforce': 'privileged' });
cluster.mustHelm('helm', ['install', 'kube-macvtap', chartFolder, '--namespace', namespace]);

describe('in a namespace with another name', () => {
  it("a node's plugin writes only the state of its own node", async () => {
    for (const node of ['h1', 'h2']) await makeNode(cluster, node);
    const token = await podToken(cluster, { namespace, serviceAccount: 'kube-macvtap-nodeplugin', node: 'h1' });
    const client = cluster.clientFor(token);
    const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
    const make = (name: string) =>
      client.call('POST', `/apis/${apiVersion}/macvtapnetworknodestates?dryRun=All`, {
        body: { apiVersion, kind: 'MacvtapNetworkNodeState', metadata: { name } },
      });
    // The API server enforces the chart's ValidatingAdmissionPolicy a moment after it is stored.
    const { body } = await until(
      () => make('h2'),
      ({ status }) => status === 403,
    );
    assert.match(JSON.stringify(body), /only the state of its own node/);
    assert.equal((await make('h1')).status, 201);
    const policies = `/apis/${apiVersion}/namespaces/${namespace}/macvtapnetworknodepolicies`;
    // A request for a kind whose CRD is new gets status 429 until its storage is ready.
    await until(
      () => client.call('GET', policies),
      ({ status }) => status === 200,
    );
  });

  it('the pods of the installation are not sent to the webhook, so that it can start without itself', async () => {
    const pod = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
      spec: {
        containers: [
          { name: 'c', image: 'localhost/c', resources: { limits: { 'macvtap.network.kubevirt.io/a': '1' } } },
        ],
      },
    });
    await makeNamespace(cluster, 'tenant');
    const make = (where: string) =>
      cluster.admin.call('POST', `/api/v1/namespaces/${where}/pods?dryRun=All`, { body: pod('p') });
    const { body } = await until(
      () => make('tenant'),
      ({ status }) => status !== 201,
    );
    assert.match(JSON.stringify(body), /failed calling webhook.*check-pods/);
    assert.equal((await make(namespace)).status, 201);
  });
});

describe("by Kubernetes' Pod Security Standards", () => {
  const tryPod = async (kind: string, level: string) => {
    const { spec, metadata } = podTemplateOf(findObject(renderChart({ namespace }), kind));
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name: 'p', namespace: level }, spec };
    return await cluster.kubectl(['create', '--dry-run=server', '-f', '-'], toText([pod]));
  };

  it('the webhook is restricted', async () => {
    await makeNamespace(cluster, 'restricted', { 'pod-security.kubernetes.io/enforce': 'restricted' });
    await cluster.mustKubectl(['create', 'serviceaccount', 'kube-macvtap-webhook', '-n', 'restricted']);
    const { code, stderr } = await tryPod('Deployment', 'restricted');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('the node plugin needs exactly these exceptions: host network, loopback ports, host directories, NET_ADMIN and its user', async () => {
    await cluster.mustKubectl(['create', 'serviceaccount', 'kube-macvtap-nodeplugin', '-n', 'restricted']);
    const { code, stderr } = await tryPod('DaemonSet', 'restricted');
    assert.equal(code, 1);
    const violations = /violates PodSecurity "restricted:latest": (.*)$/m.exec(stderr)?.[1] ?? stderr;
    assert.deepEqual(
      violations.replaceAll(/ \([^)]*\)/g, '').split(', '),
      [
        'host namespaces',
        'probe or lifecycle host',
        'unrestricted capabilities',
        'restricted volume types',
        'runAsNonRoot != true',
        'runAsUser=0',
      ],
      stderr,
    );
  });
});
