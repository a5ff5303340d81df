// SPDX-License-Identifier: Apache-2.0

import { isDeepStrictEqual } from 'node:util';
import { compareDeviceIDs } from '../../policy/device/device-id.ts';
import { createListeners } from '../../runtime/listeners.ts';
import { type DeviceMessage, health, type ListAndWatchResponse } from './v1beta1.ts';

/** One unit of a resource. @example { id: 'dataplaneMvp3', healthy: true, numaNodes: [0] } */
export interface Device {
  readonly id: string;
  readonly healthy: boolean;
  /** Empty if the device has no NUMA node, or if kubelet should get no hint. */
  readonly numaNodes: readonly number[];
}

/** The current devices of a resource, with subscriptions to changes. It outlives the servers that list it. */
export interface DeviceList {
  readonly current: readonly Device[];
  /**
   * Replaces the list. If nothing changed, it returns false and notifies no subscriber. A different order is a change.
   */
  set(devices: readonly Device[]): boolean;
  /** Calls back after each change, but not on subscription. */
  subscribe(listener: () => void): Disposable;
}

export function createDeviceList(initial: readonly Device[] = []): DeviceList {
  let current = initial;
  const listeners = createListeners();
  return {
    get current() {
      return current;
    },
    set: (devices) => {
      if (isDeepStrictEqual(devices, current)) return false;
      current = devices;
      listeners.notify();
      return true;
    },
    subscribe: listeners.add,
  };
}

/** Makes the message for kubelet. A device with a short name and a NUMA node takes about 40 bytes. */
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

/**
 * A receiver of messages, such as a gRPC stream. `write` calls `written` after the message was sent, when it can accept
 * the next message.
 */
export interface DeviceSink {
  write(message: ListAndWatchResponse, written: () => void): void;
}

/**
 * Sends the list to one consumer until disposed: first the current list, then the list after each change. If the list
 * changes several times while a message is being sent, only the newest list is sent afterwards. A list that equals the
 * last one that was sent is not sent again.
 */
export function followDevices(list: DeviceList, sink: DeviceSink): Disposable {
  let sent: readonly Device[] | undefined;
  let writing = false;
  const send = (): void => {
    if (writing || (sent !== undefined && isDeepStrictEqual(sent, list.current))) return;
    writing = true;
    sent = list.current;
    sink.write(toListAndWatchResponse(sent), () => {
      writing = false;
      if (open) send();
    });
  };
  let open = true;
  const subscription = list.subscribe(send);
  send();
  return {
    [Symbol.dispose]: () => {
      open = false;
      subscription[Symbol.dispose]();
    },
  };
}

/** A device that kubelet can allocate. */
export interface AvailableDevice {
  readonly id: string;
  /** Grows with every allocation; 0 for a device that was never allocated. */
  readonly lastUsed: number;
  readonly numaNodes: readonly number[];
}

/**
 * Chooses devices for a container in this order:
 * - devices that kubelet requires;
 * - the least recently used devices, because the link of a pod that just ended may still exist;
 * - devices on a NUMA node of a required device;
 * - devices with the lowest number.
 *
 * Returns undefined if there are too few devices or too many required ones.
 */
export function preferDevices(
  available: readonly AvailableDevice[],
  mustInclude: readonly string[],
  size: number,
): readonly string[] | undefined {
  const required = new Set(mustInclude);
  if (required.size > size || available.length < size) return undefined;
  const near = new Set(available.filter(({ id }) => required.has(id)).flatMap(({ numaNodes }) => numaNodes));
  const isNear = ({ numaNodes }: AvailableDevice) => numaNodes.some((node) => near.has(node));
  const others = available
    .filter(({ id }) => !required.has(id))
    .toSorted(
      (left, right) =>
        left.lastUsed - right.lastUsed ||
        Number(isNear(right)) - Number(isNear(left)) ||
        compareDeviceIDs(left.id, right.id),
    );
  const chosen = [...required, ...others.map(({ id }) => id)].slice(0, size);
  return chosen.length === size ? chosen : undefined;
}
