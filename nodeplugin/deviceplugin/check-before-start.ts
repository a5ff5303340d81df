// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { AllocateContext } from './allocate-device.ts';

/**
 * Checks before a container starts that the tap it will open is its device's link: minors of taps are reused lowest
 * first, so the node of a link that went may by now be another pod's. Raises DeviceNotAllocated, TapNodeUnusable; the
 * text reaches the pod.
 */
export async function checkBeforeStart(id: string, context: AllocateContext, signal: AbortSignal): Promise<void> {
  const record = context.ledger.get(id);
  if (record === undefined) {
    throw new MacvtapError(
      'DeviceNotAllocated',
      `device ${id}: nothing is known of its allocation on this node; delete the pod, so that it is allocated anew`,
      { facts: { device: id } },
    );
  }
  const link = await findLink(record, context, signal);
  const expected = record.attachment?.ifname ?? linkName(id);
  const tap = await context.links.readTapNode(record.ifindex);
  // A link in a pod's namespace shows its device number there only; whose the node's is can be told here.
  const isHeld = tap.holder?.name === expected && tap.holder.ifindex === record.ifindex;
  const isOwn = record.attachment === undefined ? tap.matches : isHeld;
  if (link?.kind === 'macvtap' && link.name === expected && isOwn) return;
  const where = record.attachment === undefined ? 'on the node' : `in ${record.attachment.netnsPath}`;
  throw new MacvtapError(
    'TapNodeUnusable',
    `device ${id}: ${tap.path} is not the tap of ${expected} ${where} any more (${link === undefined ? 'the link is gone' : 'the node is not its own'}); ` +
      `is parent ${record.parent} there? Delete the pod, so that it is allocated anew`,
    { facts: { device: id, parent: record.parent, path: tap.path } },
  );
}

function findLink({ ifindex, attachment }: DeviceRecord, { links }: AllocateContext, signal: AbortSignal) {
  return attachment === undefined
    ? links.getLink({ ifindex }, signal)
    : links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
}
