// SPDX-License-Identifier: Apache-2.0
import { compareDeviceIDs } from './device-id.ts';

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
