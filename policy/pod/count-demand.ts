// SPDX-License-Identifier: Apache-2.0
import { type NadObject, resourceOfNad } from '../nad/read-nad.ts';
import { type NetworkRef, type NetworkScope, networksOf, readingOf } from './parse-networks.ts';
import { type Ask, containersOf, namespaceOf, type PodContainer, type PodObject } from './read-pod.ts';

/** The number of devices by resource, without the prefix. */
export type Devices = ReadonlyMap<string, number>;

/**
 * Returns how many devices of each resource the pod's attachments need. A network that is named twice needs two
 * devices. Networks of any type are counted if they have the resource annotation, since Multus uses it to find a
 * device.
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

/** Returns the same as `containersOf`, which reads the pod only once in each scope. */
export function containersIn(pod: PodObject, { memo }: Pick<NetworkScope, 'memo'>): readonly PodContainer[] {
  const reading = readingOf(pod, memo);
  reading.containers ??= containersOf(pod);
  return reading.containers;
}

/** Returns `namespace/name`. */
export function networkKey({ namespace, name }: NetworkRef): string {
  return `${namespace}/${name}`;
}

/**
 * Returns the devices of the containers that run as long as the pod: app containers and sidecars. Devices of an
 * ordinary init container are released, or reused by an app container. An invalid quantity is counted as 0.
 */
export function countHeld(containers: readonly PodContainer[]): Devices {
  return sum(containers.filter(({ role }) => role === 'app' || role === 'sidecar'));
}

/**
 * Returns the largest number of devices that a pod holds at one time. Either its long-lived containers hold them, or an
 * init container and the sidecars that started before it. Source: k8s.io/component-helpers resource.PodRequests.
 */
function countTaken(containers: readonly PodContainer[]): Devices {
  const taken = new Map(countHeld(containers));
  /**
   * The running sum of the sidecars' devices. It saves adding them up for each of possibly tens of thousands of
   * containers.
   */
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
 * Returns how many devices of each resource a node must have for the pod. This is the larger of two numbers: the
 * devices that the containers request, and the devices that the networks need.
 */
export function resourcesOfPod(
  pod: PodObject,
  networks: ReadonlyMap<string, NadObject>,
  scope: NetworkScope = { namespace: namespaceOf(pod) },
): Devices {
  const devices = new Map(countTaken(containersIn(pod, scope)));
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
