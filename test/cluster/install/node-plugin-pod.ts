// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from '../cluster.ts';
import { isReady, type Pod } from '../pods.ts';
import { installationNamespace } from './release.ts';

/**
 * The files in which a node's kubelet keeps the output of node plugins: one for each start of each container of each
 * pod.
 */
export const nodePluginLogs = `/var/log/pods/${installationNamespace}_kube-macvtap-nodeplugin-*/nodeplugin/*.log`;

export interface NodePluginPod {
  readonly name: string;
  readonly restarts: number;
  readonly isReady: boolean;
}

/**
 * Returns the pod of a node's plugin. Raises an error unless there is exactly one, not counting pods that are being
 * deleted.
 */
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
