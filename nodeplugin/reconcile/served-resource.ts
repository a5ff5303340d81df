// SPDX-License-Identifier: Apache-2.0
import { compareDeviceIDs, deviceIDs } from '../../policy/device/device-id.ts';
import type { NodePlan, PlannedResource } from '../../policy/plan/node-plan.ts';
import type { Mode } from '../../policy/plan/resource.ts';
import type { ReasonCode } from '../../policy/reasons.ts';
import type { AllocatableResource } from '../deviceplugin/allocate.ts';
import type { Device } from '../deviceplugin/device-list.ts';
import type { Allocation } from '../dra/choose-allocation.ts';

/** A device that a pod holds or may hold. */
export interface HeldDevice {
  readonly id: string;
  /** The resource without its prefix. */
  readonly resource: string;
  /** The name of the parent at Allocate. Absent if it is unknown, because the ledger lost the device. */
  readonly parent?: string;
  readonly mode?: Mode;
  /**
   * The index that the parent had at Allocate. A recreated parent has a different index. Absent while the device has no
   * link.
   */
  readonly parentIfindex?: number;
  /** Set if the link in the pod is gone although the parent exists. */
  readonly isLinkLost?: true;
  /** Set if a prepared ResourceClaim holds the device. */
  readonly isClaimed?: true;
}

/** Lookups in the node's current interfaces. */
export interface ParentLookup {
  /** Returns the index of the interface with that name; undefined if there is none. */
  readonly find: (name: string) => number | undefined;
  /** Returns the present name of the interface with that index; undefined if there is none. */
  readonly nameOf: (ifindex: number) => string | undefined;
  /** Returns why the VLAN with this name could not be created. Returns undefined if no attempt has failed. */
  readonly vlanFault?: (name: string) => ReasonCode | undefined;
}

/**
 * A resource that is registered with kubelet. If `fault` is set, its free devices are Unhealthy, so kubelet allocates
 * none of them. If `resource` is absent, the resource is no longer in the plan, and only its held devices are listed.
 */
export interface ServedResource {
  readonly name: string;
  readonly resource?: PlannedResource;
  readonly fault?: ReasonCode;
}

/** Resources by name. */
export type ServedByName = ReadonlyMap<string, ServedResource>;

/** The DRA driver, as far as decisions about resources concern it. */
export interface DraOffer {
  readonly allocation: Allocation | undefined;
  offer(resources: ServedByName): void;
}

/** For a node that never uses DRA. */
export const onlyPlugin: DraOffer = { allocation: 'DevicePlugin', offer() {} };

/** Returns the resource for Allocate, or undefined if it is no longer in the plan. */
export function allocatableOf({ resource, fault }: ServedResource): AllocatableResource | undefined {
  if (resource === undefined) return undefined;
  return { resource, ...(fault !== undefined && { fault }) };
}

/**
 * Lists the devices for kubelet: as many as the resource's quantity, and all held devices. Held devices beyond the
 * quantity stay listed, because kubelet forgets a device that is no longer listed. A held device stays Healthy while it
 * has its link, even if its resource has an error. Otherwise, kubelet would not restart a container that uses it.
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
    const healthy = holder === undefined ? fault === undefined : hasLink(holder, fault, parents);
    return { id, healthy, numaNodes };
  });
}

/**
 * Returns whether a held device has its link, or can get it from ADD. For ADD, its parent must exist. An unknown parent
 * counts as existing unless the resource has an error other than `Draining`.
 */
export function hasLink(
  { parent, parentIfindex, isLinkLost }: HeldDevice,
  fault: ReasonCode | undefined,
  parents: ParentLookup,
): boolean {
  if (isLinkLost) return false;
  if (parent === undefined) return fault === undefined || fault === 'Draining';
  return parentIfindex === undefined ? parents.find(parent) !== undefined : parents.nameOf(parentIfindex) !== undefined;
}

/**
 * Returns a function that checks whether a device uses the parent. It compares the indexes, so a renamed parent counts
 * as the same parent. For a device without a link, it compares the names.
 */
export function usesParent(parent: string, parents: ParentLookup): (device: HeldDevice) => boolean {
  const ifindex = parents.find(parent);
  return (device) => (device.parentIfindex === undefined ? device.parent === parent : device.parentIfindex === ifindex);
}

/** The cause of a decision: an edit (see `PlanCause`), a change of the links, or a change of the held devices. */
export type DecisionCause = 'edit' | 'links' | 'held';

/**
 * Returns the resources to serve for a plan, by name.
 *
 * - After an edit, new allocations follow the plan immediately. A resource that is no longer in the plan is served with
 *   only its held devices, until the last of them is released. Otherwise, kubelet would forget its endpoint, and
 *   restarted containers of running pods would fail.
 * - After a change of links, a resource that is no longer in the plan stays, with the plan's reason as its error. Its
 *   parent may be missing, and may come back. A resource does not move to another parent while its devices are held
 *   (ParentChanged).
 * - After a device was allocated or released, the plan is unchanged. Only the changes that waited for a release are
 *   applied.
 * - A resource on a VLAN that does not exist yet waits until the node plugin creates it (VlanMissing). If the creation
 *   fails, VlanFailed or VlanUnsupported is reported instead.
 * - A parent that has links of another resource or in another mode cannot be used by a passthru resource, even if the
 *   devices of these links were released. A parent that has a passthru link cannot be used by any other resource
 *   (PassthruExclusive). Otherwise, the kernel would refuse each Allocate, and the pod would fail.
 */
export function decideServed(
  plan: Pick<NodePlan, 'resources' | 'skipped' | 'conflicts'>,
  served: ReadonlyMap<string, ServedResource>,
  cause: DecisionCause,
  held: readonly HeldDevice[],
  parents: ParentLookup,
  releasedDevices: readonly HeldDevice[] = [],
): ReadonlyMap<string, ServedResource> {
  const withLinks = [...held, ...releasedDevices];
  const heldNames = new Set(held.map(({ resource }) => resource));
  const next = new Map<string, ServedResource>();
  for (const resource of plan.resources) {
    const before = served.get(resource.name);
    const mustStay = cause !== 'edit' && isElsewhere(before, resource) && held.some(usesOtherParent(resource, parents));
    const isExcluded = withLinks.some(excludes(resource, parents));
    const fault = isExcluded ? 'PassthruExclusive' : vlanFaultOf(resource, parents);
    const wanted = { name: resource.name, resource, ...(fault !== undefined && { fault }) };
    next.set(resource.name, mustStay ? { ...before, fault: 'ParentChanged' } : wanted);
  }
  for (const [name, { resource, fault }] of served) {
    if (next.has(name) || resource === undefined || cause === 'edit') continue;
    // A change of held devices does not change the reason why the plan lacks the resource.
    next.set(name, {
      name,
      resource,
      fault: cause === 'links' ? reasonFor(resource, plan) : (fault ?? 'NothingFound'),
    });
  }
  for (const name of heldNames) {
    if (!next.has(name)) next.set(name, { name, fault: 'Draining' });
  }
  return next;
}

function vlanFaultOf({ vlan, parent }: PlannedResource, parents: ParentLookup): ReasonCode | undefined {
  if (vlan === undefined || parents.find(parent) !== undefined) return undefined;
  return parents.vlanFault?.(parent) ?? 'VlanMissing';
}

/** Returns whether the resource was served on a different parent than the planned one. */
function isElsewhere(before: ServedResource | undefined, { parent }: PlannedResource): before is ServedResource {
  return before?.resource !== undefined && before.resource.parent !== parent;
}

function usesOtherParent(resource: PlannedResource, parents: ParentLookup): (device: HeldDevice) => boolean {
  const usesIt = usesParent(resource.parent, parents);
  return (device) => device.resource === resource.name && !usesIt(device);
}

function excludes(resource: PlannedResource, parents: ParentLookup): (device: HeldDevice) => boolean {
  const { name, mode } = resource;
  const usesIt = usesParent(resource.parent, parents);
  return (device) =>
    (mode === 'passthru' || device.mode === 'passthru') &&
    !(device.resource === name && device.mode === mode) &&
    usesIt(device);
}

/**
 * Returns the plan's reason why it lacks a resource. If the plan does not mention the parent, the parent does not
 * exist.
 */
function reasonFor(
  { name, parent, policy, entry }: PlannedResource,
  plan: Pick<NodePlan, 'skipped' | 'conflicts'>,
): ReasonCode {
  const findings = [...plan.conflicts, ...plan.skipped].filter((finding) => finding.policy === policy);
  const about =
    findings.find((finding) => finding.entry === entry && finding.interface === parent) ??
    findings.find((finding) => finding.resource === name);
  return about?.code ?? 'NothingFound';
}

/**
 * Returns the resources that are served by the device plugin API while the node uses DRA: those of held devices, until
 * the last of them is released. The scheduler uses DRA for a resource only after kubelet no longer has devices of it.
 */
export function drainingFor(byPlugin: readonly HeldDevice[]): ServedByName {
  return new Map(byPlugin.map(({ resource: name }) => [name, { name, fault: 'Draining' }]));
}

/** Leaves out the resources that drain only because of prepared claims. */
export function withoutClaimed(served: ServedByName, byPlugin: readonly HeldDevice[]): ServedByName {
  const names = new Set(byPlugin.map(({ resource }) => resource));
  return new Map([...served].filter(([name, { resource }]) => resource !== undefined || names.has(name)));
}
