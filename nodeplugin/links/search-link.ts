// SPDX-License-Identifier: Apache-2.0
import { dump } from '../netlink/dump.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import { decodeNetnsID, encodeDumpNetnsIDs } from '../netlink/netns-requests.ts';
import { getLink, type LinkDetails } from './get-link.ts';

/** A link of a namespace that is known by its number here; it may be this one, which has a number too once somebody asked. */
export interface FoundLink {
  readonly netnsID: number;
  readonly link: LinkDetails;
}

/**
 * Looks for the links of a number in every namespace that has a number of its own here: also in those that no path leads
 * to any more, and that live on because a process is in them. Raises `NetlinkLost` and `NetlinkRefused`.
 */
export async function searchLink(
  socket: Requester,
  ifindex: number,
  signal?: AbortSignal,
): Promise<readonly FoundLink[]> {
  const messages = await dump(socket, encodeDumpNetnsIDs(), signal);
  const netnsIDs = messages.map(({ payload }) => decodeNetnsID(payload)).filter((id) => id !== undefined);
  const found: FoundLink[] = [];
  for (const netnsID of netnsIDs) {
    const link = await getLink(socket, { ifindex }, signal, netnsID);
    if (link !== undefined) found.push({ netnsID, link });
  }
  return found;
}
