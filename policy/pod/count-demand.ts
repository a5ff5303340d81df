// SPDX-License-Identifier: Apache-2.0
import { resourceOfNad } from '../nad/read-nad.ts';
import type { NadObject } from '../nad/rule.ts';
import { type NetworkRef, type NetworkScope, networksOf } from './parse-networks.ts';
import { type Ask, containersOf, namespaceOf, type PodContainer, type PodObject } from './read-pod.ts';

/** Numbers of devices by resource, without the prefix. */
export type Devices = ReadonlyMap<string, number>;

/**
 * How many devices of each resource of ours the pod's attachments take: a network named twice takes two. The network's
 * annotation decides, whatever its type, since Multus hands out a device by it.
 */
export function countDemand(networks: readonly NetworkRef[], known: ReadonlyMap<string, NadObject>): Devices {
  const demand = new Map<string, number>();
  for (const network of networks) {
    const nad = known.get(networkKey(network));
    const resource = nad === undefined ? undefined : resourceOfNad(nad);
    if (resource !== undefined) add(demand, resource, 1);
  }
  return demand;
}

/** `namespace/name`. */
export function networkKey({ namespace, name }: NetworkRef): string {
  return `${namespace}/${name}`;
}

/**
 * What the containers that live as long as the pod ask for: app containers and sidecars. What an ordinary init container
 * has is given back, or passed on to an app container that asks for it, before the pod's work begins. What reads as no
 * number counts as nothing.
 */
export function countHeld(containers: readonly PodContainer[]): Devices {
  return sum(containers.filter(({ role }) => role === 'app' || role === 'sidecar'));
}

/**
 * What a pod takes of a node at most: what it holds, or one of its init containers beside the sidecars that started
 * before it. Source: k8s.io/component-helpers resource.PodRequests.
 */
function countTaken(containers: readonly PodContainer[]): Devices {
  const taken = new Map(countHeld(containers));
  /** Of the sidecars so far: a pod may have tens of thousands of containers, so none is counted for each that follows. */
  const running = new Map<string, number>();
  for (const { role, asks } of containers) {
    for (const { resource, count = 0 } of asks) {
      if (role === 'sidecar') add(running, resource, count);
      if (role === 'init') raise(taken, new Map([[resource, (running.get(resource) ?? 0) + count]]));
    }
  }
  return taken;
}

/**
 * How many devices of each resource of ours a node must have for the pod: as many as it asks for or, where its networks
 * need more, as they need.
 */
export function resourcesOfPod(
  pod: PodObject,
  networks: ReadonlyMap<string, NadObject>,
  scope: NetworkScope = { namespace: namespaceOf(pod) },
): Devices {
  const devices = new Map(countTaken(containersOf(pod)));
  raise(devices, countDemand(networksOf(pod, scope), networks));
  return devices;
}

function sum(containers: readonly PodContainer[]): Map<string, number> {
  const devices = new Map<string, number>();
  for (const { resource, count } of containers.flatMap(({ asks }): readonly Ask[] => asks))
    add(devices, resource, count ?? 0);
  return devices;
}

function add(devices: Map<string, number>, resource: string, count: number): void {
  devices.set(resource, (devices.get(resource) ?? 0) + count);
}

function raise(devices: Map<string, number>, to: Devices): void {
  for (const [resource, count] of to) devices.set(resource, Math.max(devices.get(resource) ?? 0, count));
}
