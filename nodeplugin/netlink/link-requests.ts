// SPDX-License-Identifier: Apache-2.0
import { type Attribute, encodeAttributes, nestedAttribute, stringAttribute, u32Attribute } from './attributes.ts';
import {
  encodeIfinfomsg,
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
  /** Open descriptor of the namespace that the link is made in; the socket's own when absent. */
  readonly netnsFd?: number;
}

/** RTEXT_FILTER_SKIP_STATS, linux/rtnetlink.h: counters would be half of every answer. */
const skipStatistics = 8;

export function encodeCreateMacvtap(link: NewMacvtap): NetlinkRequest {
  const up = link.up === true ? IFF_UP : 0;
  const header = encodeIfinfomsg({ ifindex: link.ifindex ?? 0, flags: up, change: up });
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
  return request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header, attributes);
}

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
