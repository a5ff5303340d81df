// SPDX-License-Identifier: Apache-2.0
import { until } from '../process/until.ts';
import type { Cluster } from './cluster.ts';
import { type PodOptions, podObject } from './pods.ts';

const path = '/apis/apps/v1/namespaces/default/statefulsets';
const guardMs = 120_000;

/**
 * Creates a StatefulSet with one pod, `<name>-0`, in the namespace `default`, and waits until its controller has
 * created the pod.
 */
export async function makeStatefulSet(cluster: Cluster, options: PodOptions): Promise<void> {
  const { name } = options;
  const { metadata, spec } = podObject(options) as { readonly metadata: object; readonly spec: object };
  const labels = { app: name };
  const template = { metadata: { ...metadata, name: undefined, labels }, spec };
  const body = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name },
    spec: { serviceName: name, replicas: 1, selector: { matchLabels: labels }, template },
  };
  await cluster.admin.must('POST', path, { body });
  await untilAnswered(cluster, name, 200);
}

/** Moves a StatefulSet: its pod is recreated on another node. */
export async function moveStatefulSet(cluster: Cluster, name: string, node: string): Promise<void> {
  const body = { spec: { template: { spec: { nodeSelector: { 'kubernetes.io/hostname': node } } } } };
  await cluster.admin.must('PATCH', `${path}/${name}`, { body, contentType: 'application/merge-patch+json' });
}

/** Deletes a StatefulSet, and waits until its pod is gone. */
export async function deleteStatefulSet(cluster: Cluster, name: string): Promise<void> {
  await cluster.admin.must('DELETE', `${path}/${name}`);
  await untilAnswered(cluster, name, 404);
}

async function untilAnswered(cluster: Cluster, name: string, wanted: number): Promise<void> {
  await until(
    async () => (await cluster.admin.call('GET', `/api/v1/namespaces/default/pods/${name}-0`)).status,
    (status) => status === wanted,
    guardMs,
  );
}
