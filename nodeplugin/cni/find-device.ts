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
 * nothing. Raises `DeviceMissing`.
 */
export function readDeviceID({ deviceID, name }: NetConf, { resources }: CNIContext): string {
  if (deviceID !== undefined) return deviceID;
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
 * can name any device: one that kubelet gave to another pod is refused, and so is one that it gave to nobody. Raises
 * `DeviceNotAllocated`, `DeviceHeldElsewhere`, `PodResourcesUnavailable`.
 */
export async function findDevice(
  id: string,
  environment: CNIEnvironment,
  context: CNIContext,
  signal: AbortSignal,
): Promise<DeviceEntry> {
  const record = context.ledger.get(id);
  const { pod } = environment;
  // Allocate made the record and nobody has the device yet: kubelet's last answer may well be older than that.
  const isFresh = record !== undefined && (record.attachment === undefined || isOwnSandbox(record, environment));
  const known = context.holders.known(id);
  if (isFresh && (known === undefined || known.length === 0 || includes(known, pod))) return withoutUse(record);
  const holders = await context.holders.ask(id, signal);
  if (holders === undefined) {
    if (record !== undefined && !isInOtherPod(record)) return withoutUse(record);
    const why = record === undefined ? 'is not in the ledger' : 'has a link in another sandbox';
    throw new MacvtapError(
      'PodResourcesUnavailable',
      `device ${id} ${why}, and kubelet does not say yet who holds it; it is tried again`,
      { facts: { device: id } },
    );
  }
  if (holders.length > 0 && !includes(holders, pod)) {
    throw new MacvtapError(
      'DeviceHeldElsewhere',
      `device ${id} is another pod's: leave deviceID out of the NetworkAttachmentDefinition, since Multus fills it in`,
      { facts: { device: id } },
    );
  }
  if (record !== undefined) return withoutUse(record);
  const rebuilt = holders.length === 0 ? undefined : await rebuildEntry(id, context, signal);
  if (rebuilt !== undefined) return rebuilt;
  throw new MacvtapError(
    'DeviceNotAllocated',
    `device ${id}: nothing is known of its allocation on this node; delete the pod, so that it is allocated anew`,
    { facts: { device: id } },
  );
}

function isOwnSandbox({ attachment }: DeviceEntry, { netns }: CNIEnvironment): boolean {
  return attachment !== undefined && isSameNetns(netns, attachment.netnsInode);
}

/** Whether the namespace of an attachment that is not this pod's is still there. */
function isInOtherPod({ attachment }: DeviceEntry): boolean {
  return attachment !== undefined && isSameNetns(attachment.netnsPath, attachment.netnsInode);
}

/** A runtime that names no pod cannot be held against kubelet's word. */
function includes(holders: readonly PodName[], pod: CNIEnvironment['pod']): boolean {
  return pod === undefined || holders.some(({ namespace, name }) => namespace === pod.namespace && name === pod.name);
}

function withoutUse({ lastUsed, ...entry }: DeviceEntry & { readonly lastUsed: number }): DeviceEntry {
  return entry;
}
