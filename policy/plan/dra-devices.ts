// SPDX-License-Identifier: Apache-2.0
import { deviceIDs } from '../device/device-id.ts';
import { deviceClassOf, draDeviceName, draTaints } from '../device/dra-names.ts';
import { compareNatural } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { decideClassed } from '../offers/declared-sources.ts';
import { indexGoverning } from '../offers/policies-governing.ts';
import type { ExplicitConfig } from './from-explicit.ts';
import type { InterfaceFacts } from './interfaces.ts';
import type { NodePlan, PlannedResource } from './node-plan.ts';
import { type CarrierLoss, resourcePrefix } from './resource.ts';

/** A value of a device's attribute (resource.k8s.io/v1, DeviceAttribute). It has exactly one of the fields. */
type DraAttribute = { readonly string: string } | { readonly int: number } | { readonly bool: boolean };

/** A taint of a device (resource.k8s.io/v1, DeviceTaint). */
export interface DraTaint {
  readonly key: string;
  readonly effect: 'NoSchedule' | 'NoExecute';
}

/** A device as a ResourceSlice lists it (resource.k8s.io/v1, Device). */
export interface DraDevice {
  readonly name: string;
  readonly attributes: Readonly<Record<string, DraAttribute>>;
  readonly taints?: readonly DraTaint[];
}

/** A parent with the facts that only the node plugin can read. */
export interface DraParent {
  /** The parent. While it does not exist, these are its last facts, or undefined if they are not known. */
  readonly nic: InterfaceFacts | undefined;
  /** Set while the parent does not exist. */
  readonly isGone?: true;
  readonly speedMbps?: number;
  /** The PCI root, for example `pci0000:00`. */
  readonly pcieRoot?: string;
  /** How long the parent has had no carrier, or has not existed, in milliseconds. Undefined while it has a carrier. */
  readonly lostForMs?: number;
}

/** A resource that a node offers through DRA. */
export interface DraResource {
  readonly resource: PlannedResource;
  readonly parent: DraParent;
}

/**
 * The maximum number of devices in a slice. With taints, the API server accepts no more (resource/v1/types.go,
 * ResourceSliceMaxDevicesWithAdvancedFeatures). The limit is the same without taints, so that a taint moves no device
 * to another slice.
 */
export const maxSliceDevices = 64;

/** The longest text of an attribute (resource/v1/types.go, DeviceAttributeMaxValueLength). */
const maxTextLength = 64;

/**
 * Returns the devices of each of a node's ResourceSlices. Devices that pods hold by the device plugin API are left out.
 * The result depends only on the facts, so equal facts never cause a write.
 */
export function planSlices(
  resources: readonly DraResource[],
  heldByPlugin: ReadonlySet<string>,
): readonly (readonly DraDevice[])[] {
  const devices = resources.flatMap(({ resource, parent }) => {
    const attributes = attributesOf(resource, parent);
    const taints = taintsOf(resource, parent);
    return deviceIDs(resource.name, resource.quantity)
      .filter((id) => !heldByPlugin.has(id))
      .flatMap((id): readonly DraDevice[] => {
        const name = draDeviceName(id);
        if (name === undefined) return [];
        const own = textAttribute('k8s.cni.cncf.io/deviceID', id);
        return [{ name, attributes: { ...attributes, ...own }, ...(taints.length > 0 && { taints }) }];
      });
  });
  return Array.from({ length: Math.ceil(devices.length / maxSliceDevices) }, (_, index) =>
    devices.slice(index * maxSliceDevices, (index + 1) * maxSliceDevices),
  );
}

/**
 * Returns a text that differs if `planSlices` gives another result. It is much cheaper, because a node may have
 * thousands of devices. The time since a parent was lost matters only through its taints.
 */
export function keyOfSlices(resources: readonly DraResource[], heldByPlugin: ReadonlySet<string>): string {
  const facts = resources.map(({ resource, parent }) => {
    const { lostForMs: _, ...facts } = parent;
    return [resource, facts, taintsOf(resource, parent)];
  });
  return JSON.stringify([facts, [...heldByPlugin]]);
}

/**
 * Returns the attributes that all devices of a resource have. The scheduler gives up a pod if its CEL expression reads
 * an attribute that a device lacks, even if other devices match. Each device therefore has all attributes of the
 * driver, and unknown facts have a value that no known fact has. Attributes of other domains are left out if they are
 * unknown or too long.
 */
function attributesOf(
  { name, parent, mode, numaNodes, vlan }: PlannedResource,
  { nic, speedMbps, pcieRoot, lostForMs }: DraParent,
): Readonly<Record<string, DraAttribute>> {
  const [numaNode, ...otherNumaNodes] = numaNodes;
  return {
    resourceName: { string: name },
    parent: { string: parent },
    mode: { string: mode },
    ...(textAttribute('driver', nic?.driver) ?? { driver: unknownText }),
    ...(textAttribute('pciAddress', nic?.pciAddress) ?? { pciAddress: unknownText }),
    ...(textAttribute('vendor', nic?.vendorID) ?? { vendor: unknownText }),
    // A bond of NICs on several NUMA nodes has no single one. The kernel also has -1 for an unknown node.
    numaNode: { int: otherNumaNodes.length === 0 ? (numaNode ?? -1) : -1 },
    // Of a parent that is gone, the caller keeps the last facts. Only speed and carrier are lost.
    speedMbps: { int: lostForMs === undefined ? (speedMbps ?? 0) : 0 },
    mtu: { int: nic?.mtu ?? 0 },
    carrier: { bool: nic?.carrier === true && lostForMs === undefined },
    vlan: { int: vlan?.id ?? nic?.vlan?.id ?? 0 },
    ...textAttribute('resource.kubernetes.io/pcieRoot', pcieRoot),
    ...textAttribute('k8s.cni.cncf.io/resourceName', `${resourcePrefix}${name}`),
  };
}

const unknownText: DraAttribute = { string: '' };

function textAttribute(name: string, value: string | undefined): Readonly<Record<string, DraAttribute>> | undefined {
  return value === undefined || value === '' || value.length > maxTextLength
    ? undefined
    : { [name]: { string: value } };
}

/**
 * Returns the taints of a resource's devices while its parent has no carrier or does not exist. Without a parent, new
 * pods never get the devices, even if the policy has `Ignore`, because they could not start.
 */
function taintsOf({ carrierLoss }: PlannedResource, { nic, isGone, lostForMs }: DraParent): readonly DraTaint[] {
  if (lostForMs === undefined) return [];
  const isThere = nic !== undefined && !isGone;
  const { action, graceMs } = carrierLoss ?? { action: 'NoSchedule', graceMs: 0 };
  if (isThere && action === 'Ignore') return [];
  const key = isThere ? draTaints.noCarrier : draTaints.parentGone;
  return [{ key, effect: action === 'Evict' && lostForMs >= graceMs ? 'NoExecute' : 'NoSchedule' }];
}

/**
 * Returns the time until the next taint begins to evict pods, in milliseconds. Undefined if none will, unless a fact
 * changes.
 */
export function nextEvictionMs(resources: readonly DraResource[]): number | undefined {
  const waits = resources.flatMap(({ resource: { carrierLoss }, parent: { lostForMs } }) =>
    carrierLoss?.action === 'Evict' && lostForMs !== undefined && lostForMs < carrierLoss.graceMs
      ? [carrierLoss.graceMs - lostForMs]
      : [],
  );
  return waits.length === 0 ? undefined : Math.min(...waits);
}

/** The effects of a change on nodes that use dynamic resource allocation. */
export interface DraChanges {
  /** The nodes whose ResourceSlices get another number of devices. */
  readonly devices: readonly { readonly node: string; readonly before: number; readonly after: number }[];
  /** DeviceClasses and their resources. The name of a class may be a hash. */
  readonly created: readonly ChangedClass[];
  readonly deleted: readonly ChangedClass[];
  /** The resources whose devices get other taints while their parent has no carrier. */
  readonly taints: readonly DraTaintChange[];
}

interface ChangedClass {
  readonly deviceClass: string;
  readonly resource: string;
}

interface DraTaintChange {
  readonly node: string;
  readonly resource: string;
  /** As `describeTaints` returns it. Undefined if the node did not have the resource. */
  readonly before?: string;
  readonly after: string;
  /** Set if the taints apply at once, because the parent has no carrier now. */
  readonly isLost?: true;
}

/** The sources of the names of DeviceClasses. */
export interface ClassSources {
  readonly policies: readonly Policy[];
  readonly explicit: ExplicitConfig | undefined;
}

/** Collects the effects of a change on DRA. `add` takes the plans of each node before and after it. */
export function collectDraChanges(before: ClassSources, after: ClassSources) {
  const devices: DraChanges['devices'][number][] = [];
  const taints: DraTaintChange[] = [];
  const planned = { before: new Set<string>(), after: new Set<string>() };
  let isUsed = false;
  return {
    add(interfaces: readonly InterfaceFacts[], earlier: NodePlan, later: NodePlan, usesDra: boolean): void {
      const { node } = later;
      for (const { name } of earlier.resources) planned.before.add(name);
      for (const { name } of later.resources) planned.after.add(name);
      if (!usesDra) return;
      isUsed = true;
      const [fewer, more] = [countDevices(earlier), countDevices(later)];
      if (fewer !== more) devices.push({ node, before: fewer, after: more });
      const known = new Map(earlier.resources.map(({ name, carrierLoss }) => [name, describeTaints(carrierLoss)]));
      for (const { name, parent, carrierLoss } of later.resources) {
        const [was, is] = [known.get(name), describeTaints(carrierLoss)];
        const isLost = interfaces.find((nic) => nic.name === parent)?.carrier === false;
        if (was === is || (was === undefined && carrierLoss === undefined && !isLost)) continue;
        const both = { ...(was !== undefined && { before: was }), after: is };
        taints.push({ node, resource: name, ...both, ...(isLost && { isLost }) });
      }
    },
    /** Undefined if no node uses DRA, or if nothing changes for it. */
    result(): DraChanges | undefined {
      const [old, wanted] = [classesOf(before, planned.before), classesOf(after, planned.after)];
      const created = [...wanted.difference(old)].map(toClass);
      const deleted = [...old.difference(wanted)].map(toClass);
      const isSame = [devices, taints, created, deleted].every(({ length }) => length === 0);
      return isUsed && !isSame ? { devices, created, deleted, taints } : undefined;
    },
  };
}

function countDevices({ resources }: NodePlan): number {
  return resources.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Describes the taints that devices get while their parent has no carrier. */
function describeTaints(carrierLoss: CarrierLoss | undefined): string {
  if (carrierLoss === undefined) return 'NoSchedule';
  const { action, graceMs } = carrierLoss;
  return action === 'Evict' ? `NoSchedule, and NoExecute after ${graceMs / 1_000} s` : 'none';
}

/** Returns the resources with a class: those that are named, and planned ones that a glob matches. */
function classesOf({ policies, explicit }: ClassSources, planned: ReadonlySet<string>): ReadonlySet<string> {
  const { named, isMatched } = decideClassed(indexGoverning(policies), explicit);
  return new Set([...named, ...[...planned].filter(isMatched)].sort(compareNatural));
}

function toClass(resource: string): ChangedClass {
  return { deviceClass: deviceClassOf(resource).name, resource };
}
