// SPDX-License-Identifier: Apache-2.0
import type { Attachment, DeviceEntry, DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { isSameNetns } from './open-netns.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';

/** The key of an attachment in CNI (SPEC.md, "Attachment"). */
export type AttachmentKey = Pick<CNIEnvironment, 'containerID' | 'ifname'>;

/** A device that is attached to a pod. */
export interface AttachedDevice {
  readonly id: string;
  readonly record: DeviceRecord & { readonly attachment: Attachment };
}

/**
 * The container ID of an attachment that was found only in the kernel. No real container ID begins with this character.
 */
export const unknownContainer = '?';

/**
 * Returns a key that identifies an attachment. The device's next attachment has a different key, because it is in
 * another sandbox.
 */
export function attachmentKey({ id, record }: AttachedDevice): string {
  return `${id} ${record.attachment.containerID} ${record.attachment.ifname}`;
}

/** Returns whether an attachment's sandbox still exists: its path must lead to the recorded network namespace. */
export function isSandboxThere({ netnsPath, netnsInode }: Attachment): boolean {
  return isSameNetns(netnsPath, netnsInode);
}

/** Lists the devices that are attached to pods. */
export function listAttached(ledger: Pick<Ledger, 'entries'>): readonly AttachedDevice[] {
  return ledger.entries().flatMap(([id, record]) => (isAttached(record) ? [{ id, record }] : []));
}

/**
 * Finds the device of an attachment. It ignores the device ID in the request, because a late DEL may name a device that
 * belongs to another pod by then.
 */
export function findAttached(
  ledger: Pick<Ledger, 'entries'>,
  wanted: AttachmentKey & Pick<CNIEnvironment, 'netns'>,
): AttachedDevice | undefined {
  return listAttached(ledger).find(({ record }) => isSameAttachment(record.attachment, wanted));
}

function isSameAttachment(
  { containerID, ifname, netnsInode }: Attachment,
  wanted: AttachmentKey & Pick<CNIEnvironment, 'netns'>,
): boolean {
  if (ifname !== wanted.ifname) return false;
  return (
    containerID === wanted.containerID ||
    (containerID === unknownContainer && wanted.netns !== '' && isSameNetns(wanted.netns, netnsInode))
  );
}

function isAttached(record: DeviceRecord): record is AttachedDevice['record'] {
  return record.attachment !== undefined;
}

/**
 * Returns the entry of a device whose link was removed. The entry has no parent index: the next link is created on the
 * interface that then has the parent's name.
 */
export function detached({ lastUsed, ...record }: DeviceRecord): DeviceEntry {
  const { parentIfindex, ...entry } = withoutAttachment(record);
  return entry;
}

/**
 * Returns a device's entry without the attachment. If the pod's UID is known, the entry keeps it, so that a later pod
 * of the same name cannot use the device. It then also keeps the MAC address, because the same pod gets that address
 * again.
 */
export function withoutAttachment({ attachment, ...entry }: DeviceEntry): DeviceEntry {
  if (attachment === undefined) return entry;
  const { podUID: before, ...device } = entry;
  const { podUID, ifname, mac } = attachment;
  return podUID === undefined ? device : { ...device, podUID, podMAC: { podUID, ifname, mac } };
}

/**
 * Returns the UID of the pod in the entry's `pod` field. Returns undefined if the runtime named no pod, or if an older
 * version wrote the record.
 */
export function podUIDOf({ attachment, podUID }: Pick<DeviceEntry, 'attachment' | 'podUID'>): string | undefined {
  return attachment === undefined ? podUID : attachment.podUID;
}

/**
 * Returns whether a link with the device's index belongs to this attachment. An unrelated link may have got the same
 * index in the meantime. One matching property is enough: the name, the MAC address or the parent. The pod can change
 * the name and the address, but not the parent.
 */
export function isLinkOf(
  { parentIfindex, attachment: { ifname, mac } }: Omit<AttachedDevice['record'], 'lastUsed'>,
  { kind, name, macAddress, parentIfindexElsewhere }: LinkDetails,
): boolean {
  const isOnParent = parentIfindexElsewhere !== undefined && parentIfindexElsewhere === parentIfindex;
  return kind === 'macvtap' && (name === ifname || macAddress === mac || isOnParent);
}

/** Returns the interface of the pod that has the device, or that had it last. */
export function interfaceOf({ attachment, podMAC }: DeviceRecord, podUID: string): string | undefined {
  return [attachment, podMAC].find((had) => had?.podUID === podUID)?.ifname;
}
