// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import { decodeLink, type MacvtapMode } from '../netlink/link-message.ts';
import { encodeGetLink } from '../netlink/link-requests.ts';
import type { Requester } from '../netlink/netlink-socket.ts';

export type LinkKey = { readonly name: string } | { readonly ifindex: number };

/** @example { name: 'mvt0123456789ab', ifindex: 1073741950, kind: 'macvtap', parentIfindex: 4, macvtapMode: 'bridge', … } */
export interface LinkDetails {
  readonly name: string;
  readonly ifindex: number;
  /** The kernel's link kind; `device` where it gives none. */
  readonly kind: string;
  /** The link it stands on, when that is in the same namespace. */
  readonly parentIfindex?: number;
  /** The number, in its own namespace, of a link of another one that it stands on. */
  readonly parentIfindexElsewhere?: number;
  readonly macvtapMode?: MacvtapMode;
  readonly up: boolean;
  readonly promiscuous: boolean;
  readonly mtu: number;
  readonly macAddress?: string;
}

/** Looks at a link of this process's namespace, to explain why something failed. */
export type LinkLookup = (key: LinkKey) => Promise<LinkDetails | undefined>;

/**
 * One link as it is now, of another namespace when its number is given; undefined when there is none. Waits for the kernel's network lock, unlike a dump. Raises
 * `NetlinkRefused`.
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
  // The number of a namespace that went meanwhile (rtnl_get_net_ns_capable, net/core/rtnetlink.c).
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
