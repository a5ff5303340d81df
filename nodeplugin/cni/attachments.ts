// SPDX-License-Identifier: Apache-2.0
import type { Attachment, DeviceEntry, DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { LinkDetails } from '../links/get-link.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import { isSameNetns } from './open-netns.ts';

/** An attachment, by CNI's own key (SPEC.md, "Attachment"). */
export type AttachmentKey = Pick<CNIEnvironment, 'containerID' | 'ifname'>;

/** A device that is in a pod. */
export interface AttachedDevice {
  readonly id: string;
  readonly record: DeviceRecord & { readonly attachment: Attachment };
}

/** Stands for the container of an attachment that was found in the kernel alone. No container's ID begins so. */
export const unknownContainer = '?';

/** The devices that are in pods. */
export function listAttached(ledger: Pick<Ledger, 'entries'>): readonly AttachedDevice[] {
  return ledger.entries().flatMap(([id, record]) => (isAttached(record) ? [{ id, record }] : []));
}

/** The device of an attachment, whatever device the configuration names by now: a late DEL names that of its successor. */
export function findAttached(
  ledger: Pick<Ledger, 'entries'>,
  wanted: AttachmentKey & Pick<CNIEnvironment, 'netns'>,
): AttachedDevice | undefined {
  return listAttached(ledger).find(({ record }) => isThat(record.attachment, wanted));
}

function isThat(
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

/** What a device was given, without where it was: it has no link, and will get one on whatever has the parent's name then. */
export function detached({ attachment, lastUsed, parentIfindex, ...entry }: DeviceRecord): DeviceEntry {
  return entry;
}

/**
 * Whether a link under a device's index is the attachment's: a stranger may have taken the number since. The pod may have
 * given it another name and another address, but on the device's parent nobody else's link has that number.
 */
export function isLinkOf(
  { parentIfindex, attachment: { ifname, mac } }: Omit<AttachedDevice['record'], 'lastUsed'>,
  { kind, name, macAddress, parentIfindexElsewhere }: LinkDetails,
): boolean {
  const isOnParent = parentIfindexElsewhere !== undefined && parentIfindexElsewhere === parentIfindex;
  return kind === 'macvtap' && (name === ifname || macAddress === mac || isOnParent);
}
