// SPDX-License-Identifier: Apache-2.0
import type { Cluster } from './cluster.ts';

/** A container of a pod. Without a container name, it is the sandbox, whose process holds the pod's namespaces. */
export interface ContainerName {
  readonly pod: string;
  readonly container?: string;
}

const ctr = ['ctr', '--namespace=k8s.io'] as const;

/** Kills a container's first process from outside, as a machine that runs out of memory does. */
export async function killContainer(cluster: Cluster, node: string, name: ContainerName): Promise<void> {
  const [id, ...more] = await findRunning(cluster, node, name);
  if (id === undefined || more.length > 0) throw new Error(`exactly one ${JSON.stringify(name)} must run on ${node}`);
  await cluster.run(node, ...ctr, 'tasks', 'kill', '--signal', 'SIGKILL', id);
}

/** Returns the running containers. Ended ones are kept for some time, without a running task. */
async function findRunning(
  cluster: Cluster,
  node: string,
  { pod, container }: ContainerName,
): Promise<readonly string[]> {
  const which =
    container === undefined
      ? 'labels."io.cri-containerd.kind"==sandbox'
      : `labels."io.kubernetes.container.name"==${container}`;
  const filter = `labels."io.kubernetes.pod.name"==${pod},${which}`;
  const ids = (await cluster.run(node, ...ctr, 'containers', 'list', '--quiet', filter)).trim().split('\n');
  const tasks = (await cluster.run(node, ...ctr, 'tasks', 'list')).split('\n').map((row) => row.split(/\s+/));
  return ids.filter((id) => tasks.some(([task, , status]) => task === id && status === 'RUNNING'));
}
