// SPDX-License-Identifier: Apache-2.0
import type { Attachment } from '../ledger/device-record.ts';
import type { CNIContext } from './cni-context.ts';
import { isSameNetns } from './open-netns.ts';

/** The link to be made: its index, and the namespace that it is made in. */
interface Place {
  readonly ifindex: number;
  readonly attachment: Pick<Attachment, 'netnsPath' | 'netnsInode'>;
}

/**
 * Makes a link by `create`, and returns the device numbers of the taps that came under its index: its own, and that of a
 * twin.
 *
 * One alone is the link's own, whosever number it took over, so that the node's taps are gone through once. Numbers
 * seen before would not save that: one that went in between may be the new link's, and nothing tells that it went.
 * Where there is a twin, it may have been there before, without a node and in nobody's way. Then the link is made once
 * more, and what was listed without it is another's, as long as it is the same tap and not a later one of its number.
 *
 * Raises `TapNodeUnreadable`, and what the creation and the deletion do.
 */
export async function makeOwnTap(
  create: () => Promise<void>,
  { ifindex, attachment: { netnsPath, netnsInode } }: Place,
  links: CNIContext['links'],
  signal: AbortSignal,
): Promise<readonly string[]> {
  await create();
  const taps = links.listTaps(ifindex);
  if (taps.length === 1) return taps;
  // Until the acknowledgement: the kernel lists what goes for a moment longer than /dev has it, and its number may be
  // the next link's.
  if (isSameNetns(netnsPath, netnsInode)) await links.deleteLinkIn(netnsPath, ifindex, signal);
  // The node is a twin's, which came in the moment in which it was free.
  if ((await links.readTapNode(ifindex)).nodeDevice !== undefined) return taps;
  const strangers = new Set(links.listTaps(ifindex).map((tap) => links.identifyTap(tap)));
  signal.throwIfAborted();
  await create();
  return links.listTaps(ifindex).filter((tap) => !strangers.has(links.identifyTap(tap)));
}
