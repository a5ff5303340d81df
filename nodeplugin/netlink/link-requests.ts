// SPDX-License-Identifier: Apache-2.0
import { type Attribute, encodeAttributes, nestedAttribute, stringAttribute, u32Attribute } from './attributes.ts';
import {
  encodeIfinfomsg,
  IF_LINK_MODE_DORMANT,
  IF_OPER_DORMANT,
  IFF_NOARP,
  IFF_PROMISC,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  IFLA_MACVLAN_MODE,
  type MacvtapMode,
  macvlanModes,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
} from './link-message.ts';
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';
import type { NetlinkRequest } from './netlink-request.ts';

export interface NewMacvtap {
  /** At most 15 bytes. */
  readonly name: string;
  readonly ifindex?: number;
  readonly parentIfindex: number;
  readonly mode: MacvtapMode;
  /** Six bytes. */
  readonly macAddress?: Uint8Array;
  readonly mtu?: number;
  /** Whether the link starts administratively up; down when absent. */
  readonly up?: boolean;
  /** Takes frames for every address. */
  readonly promiscuous?: boolean;
  /** See `silence`. */
  readonly silent?: boolean;
  /** Open descriptor of the namespace that the link is made in; the socket's own when absent. */
  readonly netnsFd?: number;
}

/** RTEXT_FILTER_SKIP_STATS, linux/rtnetlink.h: counters would be half of every answer. */
const skipStatistics = 8;

export function encodeCreateMacvtap(link: NewMacvtap): NetlinkRequest {
  const flags = (link.up ? IFF_UP : 0) | (link.promiscuous ? IFF_PROMISC : 0) | (link.silent ? IFF_NOARP : 0);
  const header = encodeIfinfomsg({ ifindex: link.ifindex ?? 0, flags, change: flags });
  const mode = u32Attribute(IFLA_MACVLAN_MODE, macvlanModes[link.mode]);
  const attributes: Attribute[] = [
    stringAttribute(IFLA.IFNAME, link.name),
    u32Attribute(IFLA.LINK, link.parentIfindex),
    nestedAttribute(IFLA.LINKINFO, [
      stringAttribute(IFLA_INFO.KIND, 'macvtap'),
      nestedAttribute(IFLA_INFO.DATA, [mode]),
    ]),
  ];
  if (link.macAddress !== undefined) attributes.push({ type: IFLA.ADDRESS, value: link.macAddress });
  if (link.mtu !== undefined) attributes.push(u32Attribute(IFLA.MTU, link.mtu));
  if (link.netnsFd !== undefined) attributes.push(u32Attribute(IFLA.NET_NS_FD, link.netnsFd));
  if (link.silent) attributes.push(...silence);
  return request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header, attributes);
}

/**
 * Keeps the namespace's own kernel from speaking on a link whose frames are a virtual machine's. A dormant link carries
 * frames from and to its tap as any other that is up, but the IPv6 of its namespace waits until it is no longer dormant:
 * no address, and so no MLD report, no duplicate detection, no router solicitation, and none after a router's
 * advertisement (addrconf_link_ready, net/ipv6/addrconf.c; Documentation/networking/operstates.rst). The state counts from
 * the first moment, the mode from then on. IFF_NOARP, beside them, keeps IPv4 from answering ARP for the other addresses of
 * the namespace. All of it goes into the creation message, where an IPv6 address generation mode cannot (EAFNOSUPPORT).
 */
const silence: readonly Attribute[] = [
  { type: IFLA.OPERSTATE, value: Uint8Array.of(IF_OPER_DORMANT) },
  { type: IFLA.LINKMODE, value: Uint8Array.of(IF_LINK_MODE_DORMANT) },
];

/** In another namespace when its number is given; the socket's own otherwise. */
export function encodeDeleteLink(ifindex: number, netnsID?: number): NetlinkRequest {
  return request(RTM_DELLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex }), target(netnsID));
}

/**
 * Always with IFLA_NEW_IFINDEX: without it the kernel renumbers silently when the number is taken in the target
 * namespace (and with it /dev/tapN changes), with it the move ends in EBUSY.
 */
export function encodeMoveLink(move: {
  readonly ifindex: number;
  readonly netnsFd: number;
  readonly newIfindex?: number;
  readonly name?: string;
}): NetlinkRequest {
  const attributes = [
    u32Attribute(IFLA.NET_NS_FD, move.netnsFd),
    u32Attribute(IFLA.NEW_IFINDEX, move.newIfindex ?? move.ifindex),
  ];
  if (move.name !== undefined) attributes.push(stringAttribute(IFLA.IFNAME, move.name));
  return request(RTM_SETLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex: move.ifindex }), attributes);
}

/** In another namespace when its number is given; the socket's own otherwise. */
export function encodeGetLink(
  by: { readonly name: string } | { readonly ifindex: number },
  netnsID?: number,
): NetlinkRequest {
  const attributes = [u32Attribute(IFLA.EXT_MASK, skipStatistics), ...target(netnsID)];
  if ('ifindex' in by) return request(RTM_GETLINK, NLM_F_ACK, encodeIfinfomsg(by), attributes);
  return request(RTM_GETLINK, NLM_F_ACK, encodeIfinfomsg({}), [stringAttribute(IFLA.IFNAME, by.name), ...attributes]);
}

export function encodeDumpLinks(): NetlinkRequest {
  return request(RTM_GETLINK, NLM_F_DUMP, encodeIfinfomsg({}), [u32Attribute(IFLA.EXT_MASK, skipStatistics)]);
}

function target(netnsID: number | undefined): readonly Attribute[] {
  return netnsID === undefined ? [] : [u32Attribute(IFLA.TARGET_NETNSID, netnsID)];
}

function request(type: number, flags: number, header: Uint8Array, attributes: readonly Attribute[]): NetlinkRequest {
  return { type, flags: NLM_F_REQUEST | flags, payload: Buffer.concat([header, encodeAttributes(attributes)]) };
}
