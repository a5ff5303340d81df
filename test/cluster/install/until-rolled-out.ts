// SPDX-License-Identifier: Apache-2.0
import { until } from '../../process/until.ts';
import type { Cluster } from '../cluster.ts';
import { installationNamespace } from './release.ts';

/** The longest wait. Node plugins are replaced one by one, and an old webhook pod keeps answering while it drains. */
const guardMs = 600_000;

interface Workload {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas?: number };
  readonly status: Readonly<Record<string, number | undefined>>;
}

/**
 * Resolves when every pod of the chart has the last applied version and is Ready. Rejects with a description of the
 * pods.
 */
export async function untilRolledOut(cluster: Cluster): Promise<void> {
  const read = async (path: string) =>
    await cluster.admin.must<Workload>('GET', `/apis/apps/v1/namespaces/${installationNamespace}/${path}`);
  try {
    await until(
      async () => [
        isWhole(await read('deployments/kube-macvtap-webhook')),
        isWholeOnNodes(await read('daemonsets/kube-macvtap-nodeplugin')),
      ],
      (parts) => parts.every((isPartWhole) => isPartWhole),
      guardMs,
    );
  } catch (thrown) {
    const { stdout } = await cluster.kubectl(['describe', 'pods', '-n', installationNamespace]);
    throw new Error(`webhook and node plugins are not rolled out:\n${stdout}`, { cause: thrown });
  }
}

function isWhole({ metadata, spec, status }: Workload): boolean {
  const counts = [status.replicas, status.updatedReplicas, status.availableReplicas].map((count) => count ?? 0);
  return status.observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas);
}

function isWholeOnNodes({ metadata, status }: Workload): boolean {
  const counts = [status.updatedNumberScheduled, status.numberAvailable].map((count) => count ?? 0);
  const isObserved = status.observedGeneration === metadata.generation;
  return isObserved && counts.every((count) => count > 0 && count === status.desiredNumberScheduled);
}
