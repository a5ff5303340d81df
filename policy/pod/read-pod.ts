// SPDX-License-Identifier: Apache-2.0
import { isJsonObject, ownValue } from '../json-object.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import { parseDeviceCount } from './parse-quantity.ts';

/**
 * A pod as an AdmissionReview or a file brings it. Nothing of it is checked: any value may stand in any place, or none.
 */
export interface PodObject {
  readonly metadata?: unknown;
  readonly spec?: unknown;
}

/** The lists of containers, and what their items are to kubelet's device manager; a sidecar is decided item by item. */
const lists = { initContainers: 'init', containers: 'app', ephemeralContainers: 'ephemeral' } as const;

/** What one container asks for of one resource. */
export interface Ask {
  /** Without the prefix. */
  readonly resource: string;
  /** Undefined where it reads as no number of devices. */
  readonly count: number | undefined;
  /** `spec.containers[0].resources.limits[macvtap.network.kubevirt.io/dataplane]`. */
  readonly path: string;
}

/** One container of a pod. */
export interface PodContainer {
  readonly list: keyof typeof lists;
  readonly index: number;
  readonly name: string | undefined;
  /** A sidecar is an init container that lives as long as the pod (restartPolicy Always). */
  readonly role: 'init' | 'sidecar' | 'app' | 'ephemeral';
  /** What stands in its `resources`, as it was written. */
  readonly resources: unknown;
  /** What it asks for of ours, each resource once: the limit, or the request where that is more. */
  readonly asks: readonly Ask[];
}

/** Every container of a pod, in the order in which kubelet starts them; what is no object is left out. */
export function containersOf(pod: PodObject): readonly PodContainer[] {
  const spec = ownValue(pod, 'spec');
  return (Object.keys(lists) as (keyof typeof lists)[]).flatMap((list) => {
    const items = ownValue(spec, list);
    return Array.isArray(items) ? items.flatMap((item, index) => readContainer(item, list, index)) : [];
  });
}

/** The text of an annotation; undefined where there is none. */
export function annotationOf(pod: PodObject, key: string): string | undefined {
  return textOf(ownValue(ownValue(pod, 'metadata'), 'annotations'), key);
}

/** Whether somebody has begun to delete the pod. */
export function isBeingDeleted(pod: PodObject): boolean {
  return textOf(ownValue(pod, 'metadata'), 'deletionTimestamp') !== undefined;
}

/** The namespace that the pod itself names; kubectl takes `default` where a file names none. */
export function namespaceOf(pod: PodObject): string {
  return textOf(ownValue(pod, 'metadata'), 'namespace') ?? 'default';
}

function readContainer(item: unknown, list: keyof typeof lists, index: number): readonly PodContainer[] {
  if (!isJsonObject(item)) return [];
  const restarts = list === 'initContainers' && ownValue(item, 'restartPolicy') === 'Always';
  const resources = ownValue(item, 'resources');
  const path = `spec.${list}[${index}].resources`;
  const role = restarts ? 'sidecar' : lists[list];
  return [{ list, index, name: textOf(item, 'name'), role, resources, asks: readAsks(resources, path) }];
}

function readAsks(resources: unknown, path: string): readonly Ask[] {
  const byResource = new Map<string, Ask>();
  for (const field of ['limits', 'requests'] as const) {
    const quantities = ownValue(resources, field);
    for (const [key, quantity] of isJsonObject(quantities) ? Object.entries(quantities) : []) {
      if (!key.startsWith(resourcePrefix)) continue;
      const resource = key.slice(resourcePrefix.length);
      const ask = { resource, count: parseDeviceCount(quantity), path: `${path}.${field}[${key}]` };
      const other = byResource.get(resource);
      byResource.set(resource, other === undefined ? ask : { ...other, count: higher(other.count, ask.count) });
    }
  }
  return [...byResource.values()];
}

function higher(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined || right === undefined ? undefined : Math.max(left, right);
}

function textOf(object: unknown, key: string): string | undefined {
  const value = ownValue(object, key);
  return typeof value === 'string' ? value : undefined;
}
