// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attachment, DeviceRecord } from '../ledger/device-record.ts';
import type { Links } from '../links/links.ts';
import type { TapNode } from '../links/tap-node.ts';

/** The kernel, as far as a node in /dev is to be freed. */
export type NodeLinks = Pick<Links, 'getLinkIn' | 'deleteLinkIn'> & {
  readTapNode(ifindex: number): Promise<TapNode>;
};

/**
 * Frees `/dev/tap<ifindex>`. `/dev` is one for all network namespaces: kubelet gives a device out again when its former
 * pod's containers have ended, seconds before that pod's link goes, and a second link of the same index would then be
 * made silently without a node. The former link is deleted where the ledger says it lives; false when the node is held by
 * a link that cannot be found, and another index has to be taken.
 */
export async function freeTapNode(
  ifindex: number,
  former: DeviceRecord | undefined,
  links: NodeLinks,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await links.readTapNode(ifindex)).nodeDevice === undefined) return true;
  if (former?.attachment === undefined || former.ifindex !== ifindex) return false;
  const { attachment } = former;
  if (!(await isStillThere(attachment, ifindex, links, signal))) return false;
  return untilNodeIsGone(ifindex, links, links.deleteLinkIn(attachment.netnsPath, ifindex, signal), signal);
}

/**
 * Waits until the node of a link that is being deleted is gone, about a millisecond, and not for the acknowledgement,
 * which the kernel sends ten times as late (it waits for an RCU grace period first). False when the deletion ended and
 * the node is still there. Raises what the deletion raises.
 */
export async function untilNodeIsGone(
  ifindex: number,
  links: Pick<NodeLinks, 'readTapNode'>,
  deletion: Promise<unknown>,
  signal: AbortSignal,
): Promise<boolean> {
  let ended = false;
  const ending = deletion.finally(() => {
    ended = true;
  });
  // Raised by the race below; once that is over, a late refusal changes nothing.
  ending.catch(() => {});
  for (;;) {
    const wasEnded = ended;
    if ((await links.readTapNode(ifindex)).nodeDevice === undefined) return true;
    if (wasEnded) {
      await ending;
      return false;
    }
    await Promise.race([ending, sleep(1, undefined, { signal })]);
  }
}

/** A namespace made anew under the same path, or another link under the same index, is not the former pod's. */
async function isStillThere(
  { netnsPath, netnsInode, ifname }: Attachment,
  ifindex: number,
  links: NodeLinks,
  signal: AbortSignal,
): Promise<boolean> {
  const inode = await stat(netnsPath).then(
    ({ ino }) => ino,
    () => undefined,
  );
  if (inode !== netnsInode) return false;
  const link = await links.getLinkIn(netnsPath, { ifindex }, signal);
  return link?.kind === 'macvtap' && link.name === ifname;
}
