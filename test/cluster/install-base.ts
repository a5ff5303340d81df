// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import type { Cluster } from './cluster.ts';

const networkDefinition = new URL('../fixtures/apiserver/network-attachment-definitions.yaml', import.meta.url);

/** The RBAC rules of Multus, as in its own manifests. */
const multusRights = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'multus' },
  rules: [
    { apiGroups: ['k8s.cni.cncf.io'], resources: ['*'], verbs: ['*'] },
    { apiGroups: [''], resources: ['pods', 'pods/status'], verbs: ['get', 'list', 'update', 'watch'] },
    { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch', 'update'] },
  ],
};

/** The service account of thick Multus. Thin Multus has a client certificate for the user multus. */
export const multusAccount = { name: 'multus', namespace: 'kube-system' } as const;

const multusBinding = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRoleBinding',
  metadata: { name: 'multus' },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'multus' },
  subjects: [
    { apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'multus' },
    { kind: 'ServiceAccount', ...multusAccount },
  ],
};

/** Installs what a cluster with Multus needs before the chart: the CRD of networks, and Multus' RBAC rules. */
export async function installBase(cluster: Cluster): Promise<void> {
  await cluster.mustKubectl(['apply', '-f', '-'], await readFile(networkDefinition, 'utf8'));
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: multusAccount };
  await cluster.apply([account, multusRights, multusBinding]);
  await cluster.mustKubectl(['wait', '--for=condition=Established', '--timeout=60s', 'crd', '--all']);
}
