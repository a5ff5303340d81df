// SPDX-License-Identifier: Apache-2.0
import type { Regarding } from '../../cluster/report/events/cluster-event.ts';

/**
 * A pod as the runtime named it; undefined for names that no pod can have. With the UID `kubectl describe pod` finds its
 * events.
 */
export function aboutPod(pod: {
  readonly namespace: string;
  readonly name: string;
  readonly uid?: string;
}): Regarding | undefined {
  const { namespace, name, uid } = pod;
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace)) return undefined;
  if (name.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name)) return undefined;
  return { apiVersion: 'v1', kind: 'Pod', namespace, name, ...(uid !== undefined && { uid: uid.slice(0, 64) }) };
}
