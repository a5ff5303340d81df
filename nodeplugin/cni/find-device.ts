// SPDX-License-Identifier: Apache-2.0
import { resourcePrefix } from '../../policy/plan/resource-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { PodName } from '../podresources/read-held-devices.ts';
import type { CNIContext } from './cni-context.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import { rebuildEntry } from './locate-device.ts';
import type { NetConf } from './net-conf.ts';
import { isSameNetns } from './open-netns.ts';

/**
 * The device ID of a configuration. Multus fills it in from what kubelet gave the pod, and says nothing when that is
 * nothing. Raises `DeviceMissing`, `PlanUnknown`.
 */
export function readDeviceID({ deviceID, name }: NetConf, { resources, isPlanKnown }: CNIContext): string {
  if (deviceID !== undefined) return deviceID;
  if (!isPlanKnown()) throw planUnknown(`the pod holds no device for network ${name}`);
  const offered = [...resources().keys()].toSorted((a, b) => Number(b === name) - Number(a === name));
  const list = offered.length === 0 ? 'none' : offered.slice(0, 5).join(', ');
  throw new MacvtapError(
    'DeviceMissing',
    `the pod holds no device for network ${name}: let a container of it ask for ${resourcePrefix}<resource> in its limits, ` +
      `by the name in the annotation k8s.v1.cni.cncf.io/resourceName of NetworkAttachmentDefinition ${name} (offered here: ${list})`,
    { facts: { network: name } },
  );
}

/**
 * What a device was given, as the ledger knows it or, where that was lost, as kubelet and the kernel do. A configuration
 * can name any device: one that kubelet gave to another pod is refused, and so is one that it gave to nobody. It lists
 * nobody for the devices of ordinary init containers, too; then the pod has to be the one that had the device before, or
 * the first to come since its Allocate. Raises `DeviceNotAllocated`, `DeviceHeldElsewhere`, `PodResourcesUnavailable`,
 * `PlanUnknown`.
 */
export async function findDevice(
  id: string,
  environment: CNIEnvironment,
  context: CNIContext,
  signal: AbortSignal,
): Promise<DeviceEntry> {
  const { holders: kubelet, isPlanKnown } = context;
  const record = context.ledger.get(id);
  const { pod } = environment;
  const isHere = record !== undefined && (record.attachment === undefined || isOwnSandbox(record, environment));
  if (isHere && (wasOf(record, pod) || includes(kubelet.known(id), pod))) return withoutUse(record);
  const holders = await kubelet.ask(id, signal);
  if (includes(holders, pod)) {
    const entry = record === undefined ? await rebuildEntry(id, context, signal) : withoutUse(record);
    if (entry !== undefined) return entry;
  } else {
    if (holders !== undefined && holders.length > 0) throw heldElsewhere(id, "is another pod's");
    if (record !== undefined && mayTake(record, environment)) return withoutUse(record);
    if (holders === undefined) throw notSaidYet(id, record);
    if (record !== undefined && isAlive(record)) throw heldElsewhere(id, "has a link in another pod's sandbox");
  }
  if (record === undefined && !isPlanKnown()) throw planUnknown(`device ${id} is not in the ledger`);
  const why =
    record === undefined
      ? 'nothing is known of its allocation on this node'
      : 'it was allocated to another pod, and kubelet gave it to nobody since';
  throw new MacvtapError('DeviceNotAllocated', `device ${id}: ${why}; delete the pod, so that it is allocated anew`, {
    facts: { device: id },
  });
}

/** Where kubelet names nobody. */
function mayTake(record: DeviceEntry, environment: CNIEnvironment): boolean {
  if (record.pod !== undefined) return wasOf(record, environment.pod);
  return isOwnSandbox(record, environment) || !isAlive(record);
}

function wasOf({ pod: before }: DeviceEntry, pod: CNIEnvironment['pod']): boolean {
  return pod !== undefined && before === describePod(pod);
}

/** How the ledger names a pod. */
export function describePod({ namespace, name }: PodName): string {
  return `${namespace}/${name}`;
}

function isOwnSandbox({ attachment }: DeviceEntry, { netns }: CNIEnvironment): boolean {
  return attachment !== undefined && isSameNetns(netns, attachment.netnsInode);
}

/** Whether the namespace of its attachment is still there. */
function isAlive({ attachment }: DeviceEntry): boolean {
  return attachment !== undefined && isSameNetns(attachment.netnsPath, attachment.netnsInode);
}

/** A runtime that names no pod cannot be held against kubelet's word. */
function includes(holders: readonly PodName[] | undefined, pod: CNIEnvironment['pod']): boolean {
  if (holders === undefined || holders.length === 0) return false;
  return pod === undefined || holders.some(({ namespace, name }) => namespace === pod.namespace && name === pod.name);
}

function withoutUse({ lastUsed, ...entry }: DeviceEntry & { readonly lastUsed: number }): DeviceEntry {
  return entry;
}

function heldElsewhere(id: string, why: string): MacvtapError {
  return new MacvtapError(
    'DeviceHeldElsewhere',
    `device ${id} ${why}: leave deviceID out of the NetworkAttachmentDefinition, since Multus fills it in`,
    { facts: { device: id } },
  );
}

function notSaidYet(id: string, record: DeviceEntry | undefined): MacvtapError {
  const why = record === undefined ? 'is not in the ledger' : "was another pod's";
  return new MacvtapError(
    'PodResourcesUnavailable',
    `device ${id} ${why}, and kubelet does not say yet who holds it; it is tried again`,
    { facts: { device: id } },
  );
}

/** Just after the start, while the facts of the node settle or its policies cannot be read. */
function planUnknown(what: string): MacvtapError {
  return new MacvtapError(
    'PlanUnknown',
    `${what}, and what this node offers is not known yet: see the node plugin's log; it is tried again`,
  );
}
