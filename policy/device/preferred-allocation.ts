// SPDX-License-Identifier: Apache-2.0
import { compareDeviceIDs } from './device-id.ts';

/** A device that kubelet could take. */
export interface AvailableDevice {
  readonly id: string;
  /** Grows with every use; 0 for a device that was never handed out. */
  readonly lastUsed: number;
  readonly numaNodes: readonly number[];
}

/**
 * Which devices to hand out: those that must be, then the least recently used (the link of a pod that ended a moment ago
 * may still be on its way out), then those that share a NUMA node with what must be included, then by number.
 * Undefined when there are too few, or more must be included than fit.
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
