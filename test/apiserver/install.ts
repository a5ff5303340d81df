// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { until } from '../process/until.ts';
import type { ControlPlane } from './control-plane.ts';
import { type KubernetesObject, readObjects } from './kubernetes-object.ts';
import { unboundToken } from './pod-token.ts';
import { isWebhookConfiguration, shippedObjects } from './shipped-objects.ts';

/** The namespace of the installation. */
export const installationNamespace = 'macvtap-cni';

const networkDefinition = fileURLToPath(
  new URL('../fixtures/apiserver/network-attachment-definitions.yaml', import.meta.url),
);

/** Installs the CRD that Multus would install, and everything in the chart except the webhook configurations. */
export async function install(cluster: ControlPlane): Promise<void> {
  await makeNamespace(cluster, installationNamespace);
  const objects = [...readObjects(networkDefinition), ...shippedObjects()];
  await apply(
    cluster,
    objects.filter((object) => !isWebhookConfiguration(object)),
  );
  await cluster.mustKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
  await untilStatesAreProtected(cluster);
}

/**
 * Waits until node states are protected. The API server enforces a new ValidatingAdmissionPolicy and new RBAC rules a
 * moment after they are stored.
 */
async function untilStatesAreProtected(cluster: ControlPlane): Promise<void> {
  const client = cluster.clientFor(await unboundToken(cluster, installationNamespace, 'kube-macvtap-nodeplugin'));
  const apiVersion = 'macvtap.network.kubevirt.io/v1alpha1';
  const path = `/apis/${apiVersion}/macvtapnetworknodestates?dryRun=All`;
  const body = { apiVersion, kind: 'MacvtapNetworkNodeState', metadata: { name: 'probe' } };
  await until(
    async () => JSON.stringify((await client.call('POST', path, { body })).body),
    (answer) => answer.includes('only the state of its own node'),
  );
}

/** Applies objects by client-side apply. */
export async function apply(cluster: ControlPlane, objects: readonly KubernetesObject[]): Promise<string> {
  return await cluster.mustKubectl(['apply', '-f', '-'], toText(objects));
}

/** Returns objects as text for kubectl's standard input. The text is JSON, which is valid YAML. */
export function toText(objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

/** Makes a namespace and its service account. Pods need the account, and no controller runs here to create it. */
export async function makeNamespace(
  cluster: ControlPlane,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await cluster.admin.must('POST', '/api/v1/namespaces', { body: { metadata: { name, labels } } });
  await makeServiceAccount(cluster, name, 'default');
}

export async function makeServiceAccount(cluster: ControlPlane, namespace: string, name: string): Promise<void> {
  await cluster.admin.must('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name } } });
}

/** Makes a Node as kubelet would register it. */
export async function makeNode(
  cluster: ControlPlane,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await cluster.admin.must('POST', '/api/v1/nodes', { body: { metadata: { name, labels } } });
}
