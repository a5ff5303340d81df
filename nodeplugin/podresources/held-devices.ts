// SPDX-License-Identifier: Apache-2.0
import type { HeldDeviceMap } from './read-held-devices.ts';

/** What is known of held devices at one moment. */
export interface HeldDevices {
  readonly devices: HeldDeviceMap;
  /**
   * False while kubelet may not know all pods of its node yet: then `devices` also has those of the last complete answer,
   * and one that is missing may be held all the same.
   */
  readonly complete: boolean;
  /** When kubelet was asked, on the clock of `performance.now()`: what was allocated later cannot be in `devices`. */
  readonly askedAtMs: number;
}

/**
 * Whether a device must be treated as held: kubelet lists it; or nothing is known, or not everything; or it was allocated
 * so late (`allocatedAtMs`, same clock, when Allocate was answered) that the answer may not have it. A device whose
 * Allocate is still under way is the caller's to know.
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
 * Between the answer to Allocate and its place in List lie a message and a lock in kubelet (devicemanager/manager.go,
 * allocateContainerResources): well under a millisecond, and a thousand times as much on a node that is starved.
 */
const recordingMs = 1_000;
