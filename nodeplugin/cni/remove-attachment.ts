// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import { untilNodeIsGone } from '../deviceplugin/free-tap-node.ts';
import { type AttachedDevice, detached, isLinkOf } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { findStanding } from './find-parent.ts';
import { isSameNetns } from './open-netns.ts';

/**
 * Takes a device out of its pod: the link first, then the ledger. The device stays known: kubelet may attach it again
 * without a new Allocate, to a sandbox that is made anew. The caller has the device's lock.
 *
 * A ledger that cannot be written now (the disk is full) is no reason to keep the pod from ending, which may be what
 * frees the disk: its entry names a link that is gone, and that harms nobody.
 */
export async function removeAttachment(
  device: AttachedDevice,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  // While the number still tells: without a link the name will be all that is known.
  const parent = findStanding(device.id, device.record, context)?.name ?? device.record.parent;
  await removeAttachedLink(device, context, signal);
  faultPoint('cni-del-link-gone');
  await context.ledger.record(device.id, detached({ ...device.record, parent })).catch((thrown: unknown) => {
    context.onTrouble(MacvtapError.from(thrown));
  });
  faultPoint('cni-del-recorded');
}

/**
 * Deletes a device's link where the ledger says it lives. When no path leads there any more it is looked for by number,
 * since a process of the pod may still keep its namespace. One that is gone is a success. Returns when link and node are
 * gone.
 */
export async function removeAttachedLink(
  { record }: AttachedDevice,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { ifindex, attachment } = record;
  const { netnsPath, netnsInode } = attachment;
  if (isSameNetns(netnsPath, netnsInode)) {
    const link = await links.getLinkIn(netnsPath, { ifindex }, signal);
    if (link !== undefined && isLinkOf(record, link)) {
      await untilGone(ifindex, links, () => links.deleteLinkIn(netnsPath, ifindex, signal), signal);
    }
    return;
  }
  // Without a node there is no link of ours either, and most namespaces are gone for good.
  if ((await links.readTapNode(ifindex)).nodeDevice === undefined) return;
  for (const found of await links.searchLink(ifindex, signal)) {
    if (isLinkOf(record, found.link))
      await untilGone(ifindex, links, () => links.deleteFoundLink(found, signal), signal);
  }
}

/**
 * Removes a link, and waits until it is gone. The kernel takes its node away when nobody finds the link any more,
 * a millisecond after the request; the acknowledgement comes ten times as late. A link without a node of its own, because
 * another one had the number, is gone when the acknowledgement says so.
 */
export async function untilGone(
  ifindex: number,
  links: CNIContext['links'],
  remove: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  // Before: a node that is not there a moment later was the link's own, and went as fast as that.
  const { nodeDevice } = await links.readTapNode(ifindex);
  if (nodeDevice === undefined) await remove();
  else await untilNodeIsGone(ifindex, links, remove(), signal);
}
