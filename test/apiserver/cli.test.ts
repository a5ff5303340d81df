// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chartLabels } from '../../policy/why/suggested-commands.ts';
import { runProgram } from '../process/run-program.ts';
import { startProcess } from '../process/start-process.ts';
import { clusterOfFile } from './cluster-of-file.ts';
import { apply, installationNamespace } from './install.ts';
import { unboundToken } from './pod-token.ts';
import { applySeedHosts } from './seed-hosts.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';

const cluster = await clusterOfFile();
await applySeedHosts(cluster);

const program = fileURLToPath(new URL('../../cli/kubectl-macvtap.ts', import.meta.url));
const macvtap = (...flags: readonly string[]) =>
  runProgram('cli/kubectl-macvtap.ts', [...flags, '--kubeconfig', cluster.kubeconfig]);

const kinds = '/apis/macvtap.network.kubevirt.io/v1alpha1';
const policy = {
  apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
  kind: 'MacvtapNetworkNodePolicy',
  metadata: { name: 'p', namespace: installationNamespace },
  spec: { parentSelector: [{ parentIface: 'eth1', resourceName: 'data' }] },
};

/** Returns the chart's DaemonSet. No controller creates pods from it here. */
function shippedDaemonSet() {
  const { apiVersion, kind, metadata, spec } = shippedObjects().find((object) => object.kind === 'DaemonSet') as never;
  return { apiVersion, kind, metadata, spec };
}

/** Writes the state of a node with this many held devices, as its node plugin would. */
async function report(name: string, held: number): Promise<void> {
  const resource = { name: 'data', parent: 'eth1', mode: 'bridge', source: 'policy', policy: 'macvtap-cni/p' };
  const resources = [{ ...resource, quantity: 100, held, health: 'Healthy' }];
  const status = { pluginVersion: '0.1.0', source: 'policy', resources };
  await patch(`${kinds}/macvtapnetworknodestates/${name}/status`, status);
}

async function patch(path: string, status: object): Promise<void> {
  await cluster.admin.must('PATCH', path, { body: { status }, contentType: 'application/merge-patch+json' });
}

describe('status of a live cluster', () => {
  it("shows the nodes' states, the status of policies, and the nodes without a plugin", async () => {
    await apply(cluster, [policy, shippedDaemonSet()]);
    await report('h1', 7);
    const conditions = [
      { type: 'Exposed', status: 'True', reason: 'Exposing', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ];
    const path = `${kinds}/namespaces/${installationNamespace}/macvtapnetworknodepolicies/p/status`;
    await patch(path, { conditions, matchedNodes: 3, exposingNodes: 1 });
    const { code, stdout, stderr } = await macvtap('status');
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^h1 {4}data {6}eth1 {4}bridge {2}7\/100 {2}Healthy {2}macvtap-cni\/p$/m);
    assert.match(stdout, /^macvtap-cni\/p {2}- {9}True {5}- {11}1\/3$/m);
    assert.match(stdout, /^h1, h2 and h3: no node plugin runs there/m);
  });

  it('is updated with --watch, and continues after a restart of the API server', async () => {
    const command = [process.execPath, program, 'status', '-w', '--kubeconfig', cluster.kubeconfig] as const;
    await using watching = startProcess({ name: 'status', command });
    await watching.waitForLine(/^node h1: data: eth1 bridge 7\/100 Healthy$/);
    await report('h1', 8);
    await watching.waitForLine(/^node h1: data: eth1 bridge 8\/100 Healthy$/);
    await cluster.stopApiServer();
    await watching.waitForLine(/^may be out of date: .*check that the API server is running/);
    await cluster.restartApiServer();
    await report('h1', 9);
    await watching.waitForLine(/^node h1: data: eth1 bridge 9\/100 Healthy$/);
    watching.signal('SIGINT');
    assert.deepEqual(await watching.exit, { code: 0, signal: null });
  });
});

describe('plan of files against a live cluster', () => {
  it('prints the changes without making them', async () => {
    const edited = { ...policy, spec: { parentSelector: [{ parentIface: 'eth0', resourceName: 'data' }] } };
    const path = join(cluster.folder, 'edited.json');
    await writeFile(path, JSON.stringify(edited));
    const { code, stdout, stderr } = await macvtap('plan', '-f', path);
    assert.deepEqual([code, stderr], [1, '']);
    assert.match(stdout, /^h1 {4}changes {2}data {6}9 {5}eth1 bridge 100 \(macvtap-cni\/p\) {2}eth0 bridge 100/m);
    const again = await macvtap('plan', '--node=h1');
    assert.match(again.stdout, /^h1 {4}data {6}eth1 /m);
    assert.match((await macvtap('plan', '--delete', 'mvnnp/p')).stdout, /^h1 {4}loses {3}data {6}9 /m);
  });

  it("plans with the settings of the cluster's node plugin, unless flags override them", async () => {
    const daemonSet = JSON.parse(JSON.stringify(shippedDaemonSet()));
    daemonSet.spec.template.spec.containers[0].args.push('--implicit-exposure=None');
    await cluster.mustKubectl(['delete', '-n', installationNamespace, 'mvnnp', 'p']);
    await apply(cluster, [daemonSet]);
    assert.match((await macvtap('plan', '--node=h3')).stdout, /^h3 {4}- .*none$/m);
    assert.match((await macvtap('plan', '--node=h3', '--implicit-exposure=All')).stdout, /^h3 {4}eth0 /m);
  });
});

describe('the migration of a live cluster', () => {
  it('changes no plan when its policies are applied, nor when the config map is deleted afterwards', async () => {
    const list = [{ name: 'dataplane', lowerDevice: 'bond1', mode: 'private', capacity: 0 }];
    const metadata = { name: 'macvtap-deviceplugin-config', namespace: installationNamespace };
    await apply(cluster, [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { DP_MACVTAP_CONF: JSON.stringify(list) } },
    ]);
    /** Returns the table without its last column. */
    const plan = async () =>
      (await macvtap('plan')).stdout.split('\n\n')[0]?.replaceAll(/ +(explicit|policy).*$/gm, '');
    const before = await plan();
    const { code, stdout, stderr } = await macvtap('migrate');
    assert.equal(code, 0, stderr);
    await cluster.mustKubectl(['apply', '-f', '-'], stdout);
    const beside = await plan();
    await cluster.mustKubectl(['delete', '-n', installationNamespace, 'configmap', metadata.name]);
    assert.deepEqual([beside, await plan()], [before, before]);
    assert.match(before ?? '', /^h2 {4}dataplane {2}bond1 {3}private {2}100/m);
  });
});

describe('the support bundle of a live cluster', () => {
  it('has the useful objects and no secret, and lists what could not be read', async () => {
    const secret = 'hunter2hunter2hunter2';
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': secret, note: secret };
    const metadata = (name: string) => ({ name, namespace: installationNamespace, annotations, labels: chartLabels });
    const macvtapNetwork = JSON.stringify({ cniVersion: '1.0.0', type: 'macvtap', token: secret });
    const otherNetwork = JSON.stringify({ cniVersion: '1.0.0', type: 'wireguard', key: secret });
    const network = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition' };
    const containers = [{ name: 'plugin', image: 'localhost/x', env: [{ name: 'PASSWORD', value: secret }] }];
    await apply(cluster, [
      { apiVersion: 'v1', kind: 'Secret', metadata: metadata('s'), stringData: { a: secret } },
      { ...policy, metadata: { ...policy.metadata, annotations } },
      { ...network, metadata: metadata('ours'), spec: { config: macvtapNetwork } },
      { ...network, metadata: metadata('theirs'), spec: { config: otherNetwork } },
      { apiVersion: 'v1', kind: 'Pod', metadata: metadata('kube-macvtap-x'), spec: { containers } },
      ...shippedObjects().filter(isWebhookConfiguration),
    ]);
    await cluster.admin.must('POST', `/api/v1/namespaces/${installationNamespace}/events`, {
      body: {
        metadata: { generateName: 'e-', namespace: installationNamespace },
        involvedObject: { kind: 'Pod', namespace: installationNamespace, name: 'kube-macvtap-x' },
        reason: 'Tried',
        message: `sent Authorization: Bearer ${secret}`,
      },
    });
    const archive = join(cluster.folder, 'bundle.tar.gz');
    const { code, stderr } = await macvtap('support-bundle', '-o', archive);
    assert.equal(code, 0, stderr);
    const read = (...args: readonly string[]) => execFileSync('tar', ['-xOzf', archive, ...args], { encoding: 'utf8' });
    const all = read();
    const planted = [secret, btoa(secret).slice(0, 20), cluster.admin.token, 'wireguard', 'BEGIN CERT'];
    assert.deepEqual(
      planted.filter((text) => all.includes(text)),
      [],
    );
    const has = (name: string) => read(`kube-macvtap-support/${name}`);
    for (const [name, pattern] of [
      ['policies.yaml', /parentIface: eth1/],
      ['node-states.yaml', /name: h1/],
      ['networks.yaml', /macvtap/],
      ['events.yaml', /reason: Tried/],
      ['pods.yaml', /image: localhost\/x/],
      ['validatingwebhookconfigurations.yaml', /hasCABundle/],
      ['plans.txt', /^h2 /m],
      ['status.txt', /^h1 {4}data /m],
      ['versions.yaml', /gitVersion: v1\.\d+/],
    ] as const) {
      assert.match(has(name), pattern, name);
    }
  });

  it('is also written, to a file or a directory, when some objects cannot be read, and names them', async () => {
    const kubeconfig = await cluster.writeKubeconfig(
      'plugin',
      await unboundToken(cluster, installationNamespace, 'kube-macvtap-webhook'),
    );
    const folder = join(cluster.folder, 'bundle/');
    const { code, stderr } = await runProgram('cli/kubectl-macvtap.ts', [
      ...['support-bundle', '-o', folder, '--kubeconfig', kubeconfig],
    ]);
    assert.equal(code, 0, stderr);
    const notes = await readFile(join(folder, 'notes.txt'), 'utf8');
    assert.match(notes, /^Pods: not read: the right to list pods in the namespace macvtap-cni is missing$/m);
    assert.match(notes, /^Events: not read: the right to list events in the whole cluster is missing$/m);
    assert.match(await readFile(join(folder, 'policies.yaml'), 'utf8'), /name: from-macvtap-cni/);
  });
});
