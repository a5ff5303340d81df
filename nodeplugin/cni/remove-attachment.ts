// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { untilNodeIsGone } from '../deviceplugin/placeholder-link.ts';
import { type AttachedDevice, detached, isLinkOf } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { findParentByIfindex } from './locate-device.ts';
import { isSameNetns } from './open-netns.ts';

/**
 * Detaches a device from its pod: removes the link, then the attachment in the ledger. The device itself stays in the
 * ledger, because a recreated sandbox gets it again without a new Allocate. The caller must hold the device's lock.
 *
 * If the ledger cannot be written, for example because the disk is full, this function still succeeds. The pod can then
 * end, which may free disk space. The ledger records a link that no longer exists, which is harmless.
 */
export async function removeAttachment(
  device: AttachedDevice,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  // The parent is looked up before the link is removed. Afterwards, only its name could identify the parent.
  const parent = findParentByIfindex(device.id, device.record, context)?.name ?? device.record.parent;
  await removeAttachedLink(device, context, signal);
  faultPoint('cni-del-link-gone');
  await context.ledger.record(device.id, detached({ ...device.record, parent })).catch((thrown: unknown) => {
    context.onTrouble(MacvtapError.from(thrown));
  });
  faultPoint('cni-del-recorded');
}

/**
 * Deletes a device's link in the namespace that the ledger records. Resolves when the link and its device node are
 * gone, at once if they already are. If the namespace's path is gone, a process of the pod may still keep the namespace
 * alive. The link is then searched for by its index.
 */
export async function removeAttachedLink(
  { record }: AttachedDevice,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { ifindex, attachment } = record;
  const { netnsPath, netnsInode } = attachment;
  if (isSameNetns(netnsPath, netnsInode)) {
    if (await isOwnLink(record, links, signal)) {
      await untilGone(ifindex, links, () => links.deleteLinkIn(netnsPath, ifindex, signal), signal);
    }
    return;
  }
  // Most calls end here, because the link was removed together with its namespace. A link can exist without a device
  // node, if another link of its index had the device node first. All taps are therefore listed.
  if (links.listTaps(ifindex).length === 0) return;
  for (const found of await links.searchLink(ifindex, signal)) {
    if (isLinkOf(record, found.link))
      await untilGone(ifindex, links, () => links.deleteFoundLink(found, signal), signal);
  }
}

/**
 * Returns whether the link with the device's index, in the recorded namespace, belongs to the attachment. The holder of
 * the device node is checked first: unlike a request for a link, this does not wait for the kernel's network lock
 * (rtnl_lock), which each of many simultaneous deletions takes.
 */
async function isOwnLink(
  record: AttachedDevice['record'],
  links: CNIContext['links'],
  signal: AbortSignal,
): Promise<boolean> {
  const { ifindex, attachment } = record;
  const { holder } = await links.readTapNode(ifindex);
  if (holder?.ifindex === ifindex && holder.name === attachment.ifname) return true;
  const link = await links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
  return link !== undefined && isLinkOf(record, link);
}

/**
 * Removes a link, and waits until its device node is gone. That takes about a millisecond; the kernel's acknowledgement
 * takes ten times as long. If the link has no device node, because another link had the same index first, the function
 * waits for the acknowledgement instead.
 */
export async function untilGone(
  ifindex: number,
  links: CNIContext['links'],
  remove: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  // The device node is read before the removal. If it disappears afterwards, it belonged to the removed link.
  const { nodeDevice } = await links.readTapNode(ifindex);
  if (nodeDevice === undefined) await remove();
  else await untilNodeIsGone(ifindex, links, remove(), signal);
}
