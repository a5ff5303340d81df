// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from './cluster.ts';

/** Kills the process that holds a pod's namespaces, as a machine short of memory does. */
export async function killSandbox(cluster: Cluster, node: string, pod: string): Promise<void> {
  const filter = `labels."io.kubernetes.pod.name"==${pod},labels."io.cri-containerd.kind"==sandbox`;
  const ctr = ['ctr', '--namespace=k8s.io'] as const;
  const [id, ...more] = (await cluster.run(node, ...ctr, 'containers', 'list', '--quiet', filter)).trim().split('\n');
  if (id === undefined || id === '' || more.length > 0) throw new Error(`${pod} has not one sandbox on ${node}`);
  await cluster.run(node, ...ctr, 'tasks', 'kill', '--signal', 'SIGKILL', id);
}
