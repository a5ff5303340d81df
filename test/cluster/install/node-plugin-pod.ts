// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster.ts';
import { isReady, type Pod } from '../pods.ts';
import { installationNamespace } from './release.ts';

/** Where a node's kubelet keeps what its plugins have printed: each container of each pod, with its earlier starts. */
export const nodePluginLogs = `/var/log/pods/${installationNamespace}_kube-macvtap-nodeplugin-*/nodeplugin/*.log`;

export interface NodePluginPod {
  readonly name: string;
  readonly restarts: number;
  readonly isReady: boolean;
}

/** The pod of a node's plugin. Raises where there is not just one, leaving out those that are being deleted. */
export async function findNodePlugin(cluster: Cluster, node: string): Promise<NodePluginPod> {
  const query = new URLSearchParams({
    labelSelector: 'app.kubernetes.io/component=node',
    fieldSelector: `spec.nodeName=${node}`,
  });
  const path = `/api/v1/namespaces/${installationNamespace}/pods?${query}`;
  const { items } = await cluster.admin.must<{ items: readonly Pod[] }>('GET', path);
  const [pod, ...more] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pod === undefined || more.length > 0) throw new Error(`${node} has ${items.length} node plugins`);
  return {
    name: pod.metadata.name,
    restarts: pod.status.containerStatuses?.[0]?.restartCount ?? 0,
    isReady: isReady(pod),
  };
}
