// SPDX-License-Identifier: Apache-2.0
import type { ListPodResourcesResponse } from './v1.ts';

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** @example { namespace: 'vms', name: 'virt-launcher-a', container: 'compute' } */
export interface Holder extends PodName {
  readonly container: string;
}

/** A device that kubelet lists. */
interface HeldDevice {
  /** Without the prefix, as plans name it. */
  readonly resource: string;
  /** More than one when kubelet lists a pod that is over beside its successor, or containers that share a device. */
  readonly pods: readonly Holder[];
}

/** Devices by ID. */
export type HeldDeviceMap = ReadonlyMap<string, HeldDevice>;

/** Picks from kubelet's answer the devices whose resource's name begins with the prefix. */
export function readHeldDevices({ pod_resources }: ListPodResourcesResponse, resourcePrefix: string): HeldDeviceMap {
  const held = new Map<string, HeldDevice>();
  for (const { namespace, name, containers } of pod_resources) {
    for (const { name: container, devices } of containers) {
      for (const { resource_name, device_ids } of devices) {
        if (!resource_name.startsWith(resourcePrefix)) continue;
        const resource = resource_name.slice(resourcePrefix.length);
        for (const id of device_ids) held.set(id, addHolder(held.get(id), resource, { namespace, name, container }));
      }
    }
  }
  return held;
}

/** Whether kubelet names the pod, with devices or without. */
export function namesPod({ pod_resources }: ListPodResourcesResponse, { namespace, name }: PodName): boolean {
  return pod_resources.some((pod) => pod.name === name && pod.namespace === namespace);
}

/** Kubelet repeats a device for each of its NUMA nodes; a holder is kept once. */
function addHolder(held: HeldDevice | undefined, resource: string, holder: Holder): HeldDevice {
  const pods = held?.pods ?? [];
  const isKnown = pods.some(
    ({ namespace, name, container }) =>
      namespace === holder.namespace && name === holder.name && container === holder.container,
  );
  return { resource, pods: isKnown ? pods : [...pods, holder] };
}
