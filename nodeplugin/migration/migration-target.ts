// SPDX-License-Identifier: Apache-2.0

import type { ApiObject } from '../../cluster/api/api-resource.ts';
import { type PodMetadata, readPodMetadata } from '../../cluster/api/lookups.ts';
import type { AttachedDevice } from '../cni/attachments.ts';
import type { PodName } from '../podresources/held-devices.ts';

/**
 * The label of launcher pods that virt-controller created as the target of a migration. Source: MigrationJobLabel in
 * kubevirt.io/api core/v1.
 */
export const migrationJobLabel = 'kubevirt.io/migrationJobUID';

/**
 * The annotation that a target pod gets once the guest runs in it, "to help coordinate when CNI drivers fail over".
 * Source: MigrationTargetReadyTimestamp in kubevirt.io/api core/v1; set in pkg/virt-handler/migration-target.go.
 */
export const targetReadyAnnotation = 'kubevirt.io/migration-target-ready-timestamp';

/** Returns whether a pod's name begins like that of a KubeVirt launcher pod. Any pod can have such a name. */
export function isLauncher({ name }: PodName): boolean {
  return name.startsWith('virt-launcher-');
}

type TargetMetadata = Pick<PodMetadata, 'labels' | 'annotations'>;

/** Returns whether a launcher pod waits for its guest, which still runs in another pod. */
export function isWaitingTarget({ labels, annotations }: TargetMetadata): boolean {
  return labels[migrationJobLabel] !== undefined && annotations[targetReadyAnnotation] === undefined;
}

/** Returns whether a guest has moved into this pod permanently: its former pod cannot take it back. */
export function hasTakenOver({ labels, annotations }: TargetMetadata): boolean {
  return labels[migrationJobLabel] !== undefined && annotations[targetReadyAnnotation] !== undefined;
}

/**
 * Returns whether a machine's guest has left `source` for `target`. The target's annotation is not sufficient: after
 * another migration, the earlier target stays annotated until KubeVirt ends that pod. The creation times therefore also
 * count: a target is never older than its source.
 */
export function hasLeft(source: PodMetadata, target: PodMetadata): boolean {
  const machine = machineOf(target);
  if (machine === undefined || machineOf(source) !== machine || !hasTakenOver(target)) return false;
  return !isWaitingTarget(source) && !(source.createdMs > target.createdMs);
}

/** Returns the UID of the VirtualMachineInstance that owns a launcher pod. Returns undefined for any other pod. */
function machineOf({ owners }: Pick<PodMetadata, 'owners'>): string | undefined {
  return owners.find(
    ({ controller, kind, apiVersion }) =>
      controller && kind === 'VirtualMachineInstance' && apiVersion.startsWith('kubevirt.io/'),
  )?.uid;
}

export function launcherNamespace({ record: { pod = '' } }: AttachedDevice): readonly string[] {
  const [namespace = '', name = ''] = pod.split('/');
  return isLauncher({ namespace, name }) ? [namespace] : [];
}

/** Keeps only the fields that identify a target and its owner. */
export function trimTarget({
  metadata: { name, namespace, uid, resourceVersion, creationTimestamp, ownerReferences, ...metadata },
}: ApiObject): ApiObject {
  const { labels, annotations } = readPodMetadata({ name, ...metadata });
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid,
      ...(resourceVersion !== undefined && { resourceVersion }),
      creationTimestamp,
      ownerReferences,
      labels: pick(labels, migrationJobLabel),
      annotations: pick(annotations, targetReadyAnnotation),
    },
  };
}

function pick(texts: Readonly<Record<string, string>>, key: string): Readonly<Record<string, string>> {
  const text = texts[key];
  return text === undefined ? {} : { [key]: text };
}
