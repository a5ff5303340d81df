// SPDX-License-Identifier: Apache-2.0
import { compareDeviceIDs, deviceIDs } from '../../policy/device/device-id.ts';
import type { Mode } from '../../policy/plan/mode.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import type { ReasonCode } from '../../policy/reasons.ts';
import type { AllocatableResource } from '../deviceplugin/allocate-device.ts';
import type { Device } from '../deviceplugin/device-list.ts';

/** A device that a pod holds, or may hold. */
export interface HeldDevice {
  readonly id: string;
  /** Without the prefix. */
  readonly resource: string;
  /** What it stands on, where that is known: the ledger may have been lost. */
  readonly parent?: string;
  readonly mode?: Mode;
  /** The index that the parent had then: one that was made anew took its macvtaps along. Absent while it has no link. */
  readonly parentIfindex?: number;
}

/** The node's interfaces as they are now. */
export interface ParentLookup {
  /** The index of the interface of that name; undefined when there is none. */
  readonly find: (name: string) => number | undefined;
  /** Whether there is an interface of that index, whatever its name by now. */
  readonly has: (ifindex: number) => boolean;
}

/**
 * A resource that kubelet is told of. With a fault nothing of it is given out: its free devices are Unhealthy. When
 * `resource` is absent nothing asks for it any more, and only its held devices are listed.
 */
export interface ServedResource {
  readonly name: string;
  readonly resource?: PlannedResource;
  readonly fault?: ReasonCode;
}

/** What of a resource can be given out; undefined when nothing asks for it any more. */
export function allocatableOf({ resource, fault }: ServedResource): AllocatableResource | undefined {
  if (resource === undefined) return undefined;
  return { resource, ...(fault !== undefined && { fault }) };
}

/**
 * The devices that kubelet is told of: as many as the resource has, and held ones beyond. A held device stays Healthy
 * while what it stands on is there, whatever became of its resource: kubelet refuses to restart a container whose device
 * is Unhealthy, and lets go of one that is no longer listed.
 */
export function listDevices(
  { name, resource, fault }: ServedResource,
  held: readonly HeldDevice[],
  parents: ParentLookup,
): readonly Device[] {
  const numaNodes = resource?.numaNodes ?? [];
  const heldHere = new Map(held.filter((device) => device.resource === name).map((device) => [device.id, device]));
  const ids = new Set([...(resource === undefined ? [] : deviceIDs(name, resource.quantity)), ...heldHere.keys()]);
  return [...ids].sort(compareDeviceIDs).map((id) => {
    const holder = heldHere.get(id);
    const healthy = holder === undefined ? fault === undefined : isStanding(holder, fault, parents);
    return { id, healthy, numaNodes };
  });
}

/** Of a held device without a known parent the resource's fault is all there is to go by. */
export function isStanding(
  { parent, parentIfindex }: HeldDevice,
  fault: ReasonCode | undefined,
  parents: ParentLookup,
): boolean {
  if (parent === undefined) return fault === undefined || fault === 'Draining';
  return parentIfindex === undefined ? parents.find(parent) !== undefined : parents.has(parentIfindex);
}

/** A parent that was renamed is still the same: its index tells. A device without a link stands where its next one will. */
export function standsOn(parent: string, parents: ParentLookup): (device: HeldDevice) => boolean {
  const ifindex = parents.find(parent);
  return (device) => (device.parentIfindex === undefined ? device.parent === parent : device.parentIfindex === ifindex);
}
