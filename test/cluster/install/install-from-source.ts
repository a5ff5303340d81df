// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isWebhookConfiguration, shippedObjects } from '../../apiserver/shipped-objects.ts';
import { waitFor } from '../../control-plane/wait-for.ts';
import { until } from '../../process/until.ts';
import type { Cluster } from '../cluster.ts';
import { readClusterRecord } from '../cluster-record.ts';
import { writeToken } from '../identity.ts';
import { bridge, clusterFolder, nodeFolder, uplink } from '../layout.ts';
import { inNode } from '../node/make-node-host.ts';
import { logFile, startDaemon, stopDaemon } from '../start-daemon.ts';
import type { Installation } from './installation.ts';
import { podIdentity } from './pod-identity.ts';

const program = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const namespace = 'macvtap-cni';
const webhookPort = 8443;

/** Links of the nodes are veth pairs here; the uplink is no NIC of the proposal's hosts. */
const exposure = ['--link-kinds', 'device,bond,veth', '--implicit-exclude', uplink] as const;

/**
 * Installs what the chart ships, with webhook and node plugins as plain processes out of this source tree: the node plugins
 * inside their nodes, each with the token of a pod of its service account there, the webhook on the machine.
 */
export async function installFromSource(cluster: Cluster): Promise<Installation> {
  await cluster.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }]);
  const shipped = shippedObjects();
  await cluster.apply(shipped.filter((object) => !isWebhookConfiguration(object)));
  await cluster.mustKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await startWebhook(cluster);
  await cluster.apply(shipped.filter(isWebhookConfiguration));
  await untilAsked(cluster);
  const installation: Installation = {
    startNodePlugin: (node) => startNodePlugin(cluster, node),
    stopNodePlugin: (node, how) => stopDaemon(pluginName(node), how === 'SIGKILL' ? 0 : undefined),
    nodePluginLog: (node) => readFile(logFile(pluginName(node)), 'utf8'),
  };
  for (const { name } of await cluster.nodes()) await installation.startNodePlugin(name);
  return installation;
}

function pluginName(node: string): string {
  return `${node}-nodeplugin`;
}

async function startNodePlugin(cluster: Cluster, node: string): Promise<void> {
  const kubeconfig = join(nodeFolder(node), 'nodeplugin.kubeconfig');
  const token = await podIdentity(cluster, { node, namespace, serviceAccount: 'kube-macvtap-nodeplugin' });
  await writeToken(kubeconfig, await readClusterRecord(), token);
  await startDaemon({
    name: pluginName(node),
    command: await inNode(node, [
      ...([process.execPath, program('nodeplugin/main.ts')] as const),
      ...['--source', 'cluster', '--kubeconfig', kubeconfig, '--node-name', node, '--cni-bin-dir', '/opt/cni/bin'],
      ...exposure,
      // Tests wait for what is held to be free again.
      ...['--held-refresh', '1s'],
    ]),
    forks: 1,
  });
}

/** A Service without a selector, whose one endpoint is the machine. */
async function startWebhook(cluster: Cluster): Promise<void> {
  const name = 'kube-macvtap-webhook';
  const ports = [{ name: 'https', port: 443, targetPort: webhookPort, protocol: 'TCP' }];
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: { ports } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name, namespace, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [bridge.address], conditions: { ready: true } }],
      ports: [{ name: 'https', port: webhookPort, protocol: 'TCP' }],
    },
  ]);
  const [{ name: node } = { name: '' }] = await cluster.nodes();
  const kubeconfig = join(clusterFolder, 'webhook.kubeconfig');
  const token = await podIdentity(cluster, { node, namespace, serviceAccount: name });
  await writeToken(kubeconfig, await readClusterRecord(), token);
  const metrics = `${bridge.address}:9443`;
  const daemon = await startDaemon({
    name: 'webhook',
    command: [
      ...([process.execPath, program('webhook/main.ts'), '--source', 'cluster', '--kubeconfig', kubeconfig] as const),
      ...['--listen', `${bridge.address}:${webhookPort}`, '--metrics-listen', metrics],
      ...exposure,
    ],
  });
  await waitFor('webhook', daemon, async () => (await fetch(`http://${metrics}/readyz`)).ok);
}

/** The API server takes configurations into use a moment after they are stored, the webhook its authority into them. */
async function untilAsked(cluster: Cluster): Promise<void> {
  const policy = {
    apiVersion: 'macvtap.network.kubevirt.io/v1alpha1',
    kind: 'MacvtapNetworkNodePolicy',
    metadata: { name: 'probe', namespace: 'default' },
    spec: { parentSelector: [{ parentIface: 'eth0' }] },
  };
  await until(
    () => cluster.kubectl(['create', '--dry-run=server', '-f', '-'], JSON.stringify(policy)),
    ({ stderr }) => /denied the request/.test(stderr),
    60_000,
  );
}
