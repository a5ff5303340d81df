// SPDX-License-Identifier: Apache-2.0
import { isRecord } from '../../cluster/objects/known-object.ts';
import type { PodObject } from '../../policy/pod/read-pod.ts';
import type { Path } from './resolve-path.ts';

/** Where the kinds of Kubernetes itself that make pods have the template of them; a pod is its own. */
const templates: Readonly<Record<string, Path>> = {
  'v1 Pod': [],
  'v1 PodTemplate': ['template'],
  'v1 ReplicationController': ['spec', 'template'],
  'apps/v1 Deployment': ['spec', 'template'],
  'apps/v1 ReplicaSet': ['spec', 'template'],
  'apps/v1 StatefulSet': ['spec', 'template'],
  'apps/v1 DaemonSet': ['spec', 'template'],
  'batch/v1 Job': ['spec', 'template'],
  'batch/v1 CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** The pod that an object is, or makes, in its namespace, and where in the object it stands; undefined for other kinds. */
export function podOf(
  object: Readonly<Record<string, unknown>>,
  namespace: string,
): { readonly pod: PodObject; readonly path: Path } | undefined {
  const path = templates[`${object.apiVersion} ${object.kind}`];
  if (path === undefined) return undefined;
  const template = path.reduce<unknown>((at, key) => (isRecord(at) ? at[key] : undefined), object);
  if (!isRecord(template)) return undefined;
  const metadata = isRecord(template.metadata) ? template.metadata : {};
  return { pod: { ...template, metadata: { ...metadata, namespace } }, path };
}
