// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { type DeviceMessage, health, type ListAndWatchResponse } from './v1beta1.ts';

/** One unit of a resource. @example { id: 'dataplaneMvp3', healthy: true, numaNodes: [0] } */
export interface Device {
  readonly id: string;
  readonly healthy: boolean;
  /** Empty: near no NUMA node in particular, or no hint wanted. */
  readonly numaNodes: readonly number[];
}

/** The devices of a resource now, and whoever wants to hear of changes. Outlives the servers that list it. */
export interface DeviceList {
  readonly current: readonly Device[];
  /** Replaces the list. False, and nobody is told, when nothing changed. The order counts as content. */
  set(devices: readonly Device[]): boolean;
  /** Calls back after each change, not at once. */
  subscribe(listener: () => void): Disposable;
}

export function createDeviceList(initial: readonly Device[] = []): DeviceList {
  let current = initial;
  const listeners = new Set<() => void>();
  return {
    get current() {
      return current;
    },
    set: (devices) => {
      if (isDeepStrictEqual(devices, current)) return false;
      current = devices;
      for (const listener of [...listeners]) listener();
      return true;
    },
    subscribe: (listener) => {
      // Wrapped, so that the same function given twice is two subscriptions.
      const entry = (): void => listener();
      listeners.add(entry);
      return { [Symbol.dispose]: () => void listeners.delete(entry) };
    },
  };
}

/** The message that kubelet reads: about 40 bytes for a device with a short name and a NUMA node. */
export function toListAndWatchResponse(devices: readonly Device[]): ListAndWatchResponse {
  return { devices: devices.map(toMessage) };
}

function toMessage({ id, healthy, numaNodes }: Device): DeviceMessage {
  return {
    ID: id,
    health: healthy ? health.healthy : health.unhealthy,
    topology: numaNodes.length === 0 ? null : { nodes: numaNodes.map((ID) => ({ ID })) },
  };
}
