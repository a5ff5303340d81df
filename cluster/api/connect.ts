// SPDX-License-Identifier: Apache-2.0
import { readKubernetesEnvironment } from '../../runtime/kubernetes-environment.ts';
import type { Connection } from './connection.ts';
import { connectInCluster, serviceAccountDirectory } from './in-cluster.ts';

export interface ConnectOptions {
  /** `--kubeconfig`. */
  readonly kubeconfig?: string | undefined;
  /** `--context`, of the kubeconfig; undefined is its current one. */
  readonly context?: string | undefined;
}

/**
 * Finds the API server as controller-runtime does: by the file that is given, by $KUBECONFIG, as a pod, by
 * ~/.kube/config. Nothing is sent. Raises ApiServerUnknown.
 */
export async function connect({ kubeconfig, context }: ConnectOptions): Promise<Connection> {
  const environment = readKubernetesEnvironment();
  const saysWhere = kubeconfig !== undefined || context !== undefined || environment.kubeconfig !== undefined;
  if (!saysWhere && environment.service !== undefined) {
    const connection = connectInCluster(environment.service, serviceAccountDirectory);
    await connection.credentials();
    return connection;
  }
  const { connectByKubeconfig } = await import('./kubeconfig.ts');
  return connectByKubeconfig(kubeconfig, context);
}
