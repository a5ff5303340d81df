// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { dump } from '../netlink/dump.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';
import { decodeLink, type MacvtapMode } from '../netlink/link-message.ts';
import { encodeGetLink } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';
import { decodeNetnsID, encodeDumpNetnsIDs } from './netns-id.ts';

export type LinkKey = { readonly name: string } | { readonly ifindex: number };

/**
 * @example { name: 'mvt0123456789ab', ifindex: 1073741950, kind: 'macvtap', parentIfindex: 4,
 *   macvtapMode: 'bridge', … }
 */
export interface LinkDetails {
  readonly name: string;
  readonly ifindex: number;
  /** The kernel's link kind, or `device` if the link has none. */
  readonly kind: string;
  /** The parent's index, if the parent is in the same namespace. */
  readonly parentIfindex?: number;
  /** The parent's index in the parent's namespace, if the parent is in another namespace than the link. */
  readonly parentIfindexElsewhere?: number;
  readonly macvtapMode?: MacvtapMode;
  readonly up: boolean;
  readonly promiscuous: boolean;
  readonly mtu: number;
  readonly macAddress?: string;
}

/** Reads a link of this process's namespace to explain a failure. */
export type LinkLookup = (key: LinkKey) => Promise<LinkDetails | undefined>;

/**
 * Reads a link. `netnsID` selects a link of another namespace. Returns undefined if the link does not exist. Unlike a
 * dump, the request waits for the kernel's network lock (rtnl_lock). Raises `NetlinkRefused`.
 */
export async function getLink(
  socket: Requester,
  key: LinkKey,
  signal?: AbortSignal,
  netnsID?: number,
): Promise<LinkDetails | undefined> {
  const reply = await socket.request(encodeGetLink(key, netnsID), signal);
  const errno = nameErrno(reply.errno);
  // ERANGE: no link can have a name that long.
  if (errno === 'ENODEV' || errno === 'ERANGE') return undefined;
  // EINVAL: the namespace no longer exists (rtnl_get_net_ns_capable, net/core/rtnetlink.c).
  if (errno === 'EINVAL' && netnsID !== undefined) return undefined;
  const [message] = reply.messages;
  if (reply.errno !== 0 || message === undefined) {
    const which = 'name' in key ? key.name : `with ifindex ${key.ifindex}`;
    const text = reply.text ?? describeErrno(reply.errno);
    throw new MacvtapError('NetlinkRefused', `cannot read the link ${which}: ${text}`, { facts: { ...key } });
  }
  const link = decodeLink(message.payload);
  return {
    name: link.name,
    ifindex: link.ifindex,
    kind: link.kind ?? 'device',
    up: link.up,
    promiscuous: link.promiscuous,
    mtu: link.mtu,
    ...(link.lowerIfindex !== undefined && { parentIfindex: link.lowerIfindex }),
    ...(link.lowerIfindexElsewhere !== undefined && { parentIfindexElsewhere: link.lowerIfindexElsewhere }),
    ...(link.macvlanMode !== undefined && { macvtapMode: link.macvlanMode }),
    ...(link.macAddress !== undefined && { macAddress: link.macAddress }),
  };
}

/** A link that `searchLink` found, and the ID of its namespace. That namespace may also be this process's own. */
export interface FoundLink {
  readonly netnsID: number;
  readonly link: LinkDetails;
}

/**
 * Finds the links that have a given index. It searches every namespace to which this process's namespace has assigned
 * an ID. This includes namespaces without a path that exist only because a process is in them. Raises `NetlinkLost` and
 * `NetlinkRefused`.
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
