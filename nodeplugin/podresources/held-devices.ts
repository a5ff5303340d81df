// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from 'node:util';
import type { MacvtapError } from '../../runtime/errors.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { type AskOptions, askPodResources, type ListPodResourcesResponse } from './pod-resources-client.ts';

/** The held devices at one moment, according to kubelet. */
export interface HeldDevices {
  readonly devices: HeldDeviceMap;
  /**
   * False while kubelet may not know all pods of its node yet. In this case, `devices` also contains the devices of
   * earlier answers, and a device that is missing may still be held.
   */
  readonly complete: boolean;
  /**
   * The time of the request to kubelet, on the clock of `performance.now()`. `devices` lacks devices that were
   * allocated later.
   */
  readonly askedAtMs: number;
}

/**
 * Returns whether a device must be treated as held. That is the case if kubelet lists the device, if there is no
 * complete answer, or if the answer may be older than the allocation. `allocatedAtMs` is the time when Allocate was
 * answered, on the same clock as `askedAtMs`. The caller must treat devices as held while their Allocate is in
 * progress.
 */
export function mayBeHeld(
  held: HeldDevices | undefined,
  id: string,
  allocatedAtMs = Number.NEGATIVE_INFINITY,
): boolean {
  if (held === undefined || !held.complete || held.devices.has(id)) return true;
  return held.askedAtMs < allocatedAtMs + recordingMs;
}

/**
 * The maximum time from the answer of Allocate until kubelet's List shows the device. In between, kubelet receives a
 * message and takes a lock (devicemanager/manager.go, allocateContainerResources). That normally takes far less than a
 * millisecond, but much longer on a node without free CPU time.
 */
const recordingMs = 1_000;

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** @example { namespace: 'vms', name: 'virt-launcher-a', container: 'compute' } */
export interface Holder extends PodName {
  readonly container: string;
}

/** A device in kubelet's list. */
interface HeldDevice {
  /** The resource's name without the prefix, as in plans. */
  readonly resource: string;
  /**
   * The holders. There are several if kubelet lists an ended pod and its successor, or containers that share a device.
   */
  readonly pods: readonly Holder[];
}

/** Held devices by ID. */
export type HeldDeviceMap = ReadonlyMap<string, HeldDevice>;

/** Reads the devices in kubelet's answer. Only devices of resources whose name begins with the prefix are included. */
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

/** Returns whether kubelet's answer lists the pod, with or without devices. */
export function namesPod({ pod_resources }: ListPodResourcesResponse, { namespace, name }: PodName): boolean {
  return pod_resources.some((pod) => pod.name === name && pod.namespace === namespace);
}

/** Adds a holder unless it is already there, because kubelet repeats a device for each of its NUMA nodes. */
function addHolder(held: HeldDevice | undefined, resource: string, holder: Holder): HeldDevice {
  const pods = held?.pods ?? [];
  const isKnown = pods.some(
    ({ namespace, name, container }) =>
      namespace === holder.namespace && name === holder.name && container === holder.container,
  );
  return { resource, pods: isKnown ? pods : [...pods, holder] };
}

export interface ListOptions extends AskOptions {
  /** @example 'macvtap.network.kubevirt.io/' */
  readonly resourcePrefix: string;
}

/**
 * Returns the devices that kubelet lists at this moment, by ID. Only devices of resources whose name begins with the
 * prefix are included. This function is only for tools. The node plugin needs `watchHeldDevices`, which shows when a
 * missing device may still be held. Raises the errors of `askPodResources`.
 */
export async function listHeldDevices(options: ListOptions): Promise<HeldDeviceMap> {
  return readHeldDevices(await askPodResources(options), options.resourcePrefix);
}

/**
 * The state of a `HeldView`:
 *
 * - `unknown`: kubelet has not answered yet.
 * - `partial`: kubelet has answered, but may not know all its pods yet.
 * - `known`: the last answer is complete.
 * - `stale`: the last request failed.
 */
export interface HeldState {
  readonly phase: 'unknown' | 'partial' | 'known' | 'stale';
  /** The time since the request that `current` answers. Undefined if there is no answer yet. */
  readonly ageMs: number | undefined;
  readonly lastError: MacvtapError | undefined;
}

/** The last successful answer, and the state since then. */
export interface HeldView {
  readonly current: HeldDevices | undefined;
  readonly state: HeldState;
  /** Sets a new answer or error. An error does not change `current`. */
  set(news: HeldDevices | MacvtapError): void;
  /**
   * Calls the listener when the devices, the phase or the error's code change. A newer answer with the same content
   * does not count as a change.
   */
  onChange(listener: () => void): Disposable;
}

export function createHeldView(): HeldView {
  const listeners = createListeners();
  let current: HeldDevices | undefined;
  let lastError: MacvtapError | undefined;

  const phase = (): HeldState['phase'] => {
    if (current === undefined) return 'unknown';
    if (lastError !== undefined) return 'stale';
    return current.complete ? 'known' : 'partial';
  };
  const content = () => ({ devices: current?.devices, phase: phase(), failure: lastError?.code });
  return {
    get current() {
      return current;
    },
    get state() {
      return { phase: phase(), ageMs: current && performance.now() - current.askedAtMs, lastError };
    },
    set: (news) => {
      const before = content();
      if (news instanceof Error) lastError = news;
      else {
        current = news;
        lastError = undefined;
      }
      if (isDeepStrictEqual(content(), before)) return;
      listeners.notify();
    },
    onChange: listeners.add,
  };
}
