// SPDX-License-Identifier: Apache-2.0
import {
  type Attribute,
  encodeAttributes,
  nestedAttribute,
  stringAttribute,
  u16Attribute,
  u32Attribute,
} from './attributes.ts';
import {
  encodeIfinfomsg,
  IF_LINK_MODE_DORMANT,
  IF_OPER_DORMANT,
  IFF_ALLMULTI,
  IFF_NOARP,
  IFF_PROMISC,
  IFF_UP,
  IFLA,
  IFLA_INFO,
  IFLA_MACVLAN_MODE,
  IFLA_VLAN,
  type MacvtapMode,
  macvlanModes,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_NEWLINKPROP,
  RTM_SETLINK,
} from './link-message.ts';
import { type NetlinkRequest, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST } from './message.ts';

export interface NewMacvtap {
  /** At most 15 bytes. */
  readonly name: string;
  readonly ifindex?: number;
  readonly parentIfindex: number;
  readonly mode: MacvtapMode;
  /** Six bytes. */
  readonly macAddress?: Uint8Array;
  readonly mtu?: number;
  /** Whether the link starts administratively up. Down by default. */
  readonly up?: boolean;
  /** Whether the link receives frames for every address. */
  readonly promiscuous?: boolean;
  /**
   * Whether the link receives frames for all multicast groups, not only those that the namespace's network stack has
   * joined.
   */
  readonly allMulticast?: boolean;
  /** Whether to keep the namespace's network stack from sending on the link; see `silence`. */
  readonly silent?: boolean;
  /** An open descriptor of the namespace in which the link is created. The default is the socket's namespace. */
  readonly netnsFd?: number;
}

/** RTEXT_FILTER_SKIP_STATS, linux/rtnetlink.h. Without this flag, half of every reply consists of counters. */
const skipStatistics = 8;

export function encodeCreateMacvtap(link: NewMacvtap): NetlinkRequest {
  const flags =
    (link.up ? IFF_UP : 0) |
    (link.promiscuous ? IFF_PROMISC : 0) |
    (link.allMulticast ? IFF_ALLMULTI : 0) |
    (link.silent ? IFF_NOARP : 0);
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
 * The attributes that keep the namespace's network stack from sending on a link that belongs to a virtual machine.
 *
 * They make the link dormant. A dormant link carries the frames of its tap like any link that is up, but IPv6 waits
 * until the link is no longer dormant. The kernel therefore assigns no IPv6 address, and sends no MLD report, no
 * duplicate address detection and no router solicitation. A router advertisement does not change this
 * (addrconf_link_ready, net/ipv6/addrconf.c; Documentation/networking/operstates.rst). OPERSTATE sets the dormant state
 * at creation, and LINKMODE keeps it.
 *
 * In addition, the flag IFF_NOARP keeps IPv4 from answering ARP requests for other addresses of the namespace.
 *
 * The message that creates the link contains all of these settings. An IPv6 address generation mode would be an
 * alternative to a dormant link, but the kernel rejects it in this message (EAFNOSUPPORT).
 */
const silence: readonly Attribute[] = [
  { type: IFLA.OPERSTATE, value: Uint8Array.of(IF_OPER_DORMANT) },
  { type: IFLA.LINKMODE, value: Uint8Array.of(IF_LINK_MODE_DORMANT) },
];

/**
 * Encodes a request that creates an 802.1Q VLAN. The VLAN is down and gets the MTU of its lower link. The message
 * cannot set an alias or an altname, because the kernel ignores both (rtnl_create_link, net/core/rtnetlink.c).
 */
export function encodeCreateVlan(link: {
  readonly name: string;
  readonly lowerIfindex: number;
  readonly id: number;
}): NetlinkRequest {
  return request(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, encodeIfinfomsg({}), [
    stringAttribute(IFLA.IFNAME, link.name),
    u32Attribute(IFLA.LINK, link.lowerIfindex),
    nestedAttribute(IFLA.LINKINFO, [
      stringAttribute(IFLA_INFO.KIND, 'vlan'),
      // Without a protocol, the kernel uses 802.1Q (vlan_newlink, net/8021q/vlan_netlink.c).
      nestedAttribute(IFLA_INFO.DATA, [u16Attribute(IFLA_VLAN.ID, link.id)]),
    ]),
  ]);
}

/** New settings of an existing link. */
export interface LinkSettings {
  /** Before version 6.2, the kernel refuses to rename a link that is up. */
  readonly name?: string;
  readonly alias?: string;
  readonly mtu?: number;
  readonly up?: boolean;
}

/**
 * Encodes a request that changes a link. The kernel applies the MTU, the name, the alias and up, in this order. At the
 * first error, it stops and does not undo the earlier changes (do_setlink, net/core/rtnetlink.c).
 */
export function encodeSetLink(ifindex: number, { name, alias, mtu, up }: LinkSettings): NetlinkRequest {
  const flags = up === undefined ? {} : { flags: up ? IFF_UP : 0, change: IFF_UP };
  return request(RTM_SETLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex, ...flags }), [
    ...(name === undefined ? [] : [stringAttribute(IFLA.IFNAME, name)]),
    ...(alias === undefined ? [] : [stringAttribute(IFLA.IFALIAS, alias)]),
    ...(mtu === undefined ? [] : [u32Attribute(IFLA.MTU, mtu)]),
  ]);
}

/** Encodes a request that adds an altname to a link. */
export function encodeAddAltName(ifindex: number, altName: string): NetlinkRequest {
  const names = nestedAttribute(IFLA.PROP_LIST, [stringAttribute(IFLA.ALT_IFNAME, altName)]);
  return request(RTM_NEWLINKPROP, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, encodeIfinfomsg({ ifindex }), [names]);
}

/**
 * Encodes a request that changes the mode of an existing macvtap. The macvtap must be in the socket's namespace,
 * because the kernel searches no other namespace (rtnl_newlink, net/core/rtnetlink.c). The mode cannot become passthru
 * (macvlan_changelink, drivers/net/macvlan.c).
 */
export function encodeSetMacvtapMode(ifindex: number, mode: Exclude<MacvtapMode, 'passthru'>): NetlinkRequest {
  const data = nestedAttribute(IFLA_INFO.DATA, [u32Attribute(IFLA_MACVLAN_MODE, macvlanModes[mode])]);
  const info = nestedAttribute(IFLA.LINKINFO, [stringAttribute(IFLA_INFO.KIND, 'macvtap'), data]);
  return request(RTM_NEWLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex }), [info]);
}

/**
 * Encodes a request that deletes a link. `netnsID` selects the link's namespace. The default is the socket's namespace.
 */
export function encodeDeleteLink(ifindex: number, netnsID?: number): NetlinkRequest {
  return request(RTM_DELLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex }), target(netnsID));
}

/** Encodes a request that puts a link into a group. A link is in group 0 by default. */
export function encodeSetGroup(ifindex: number, group: number): NetlinkRequest {
  return request(RTM_SETLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex }), [u32Attribute(IFLA.GROUP, group)]);
}

/**
 * Encodes a request that deletes all links of a group in the socket's namespace. The kernel waits for its readers only
 * once for all of them (rtnl_group_dellink, net/core/rtnetlink.c).
 */
export function encodeDeleteGroup(group: number): NetlinkRequest {
  return request(RTM_DELLINK, NLM_F_ACK, encodeIfinfomsg({}), [u32Attribute(IFLA.GROUP, group)]);
}

/**
 * Encodes a request that moves a link to another namespace. Always sets IFLA_NEW_IFINDEX, so that the move fails with
 * EBUSY if the index is taken there. Without the attribute, the kernel would silently choose another index, and
 * /dev/tapN would change.
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

/** Encodes a request for a link. `netnsID` selects the link's namespace. The default is the socket's namespace. */
export function encodeGetLink(
  by: { readonly name: string } | { readonly ifindex: number },
  netnsID?: number,
): NetlinkRequest {
  const attributes = [u32Attribute(IFLA.EXT_MASK, skipStatistics), ...target(netnsID)];
  if ('ifindex' in by) return request(RTM_GETLINK, NLM_F_ACK, encodeIfinfomsg(by), attributes);
  return request(RTM_GETLINK, NLM_F_ACK, encodeIfinfomsg({}), [stringAttribute(IFLA.IFNAME, by.name), ...attributes]);
}

/** Encodes a request for a link and its counters. The link is in the socket's namespace. */
export function encodeGetStatistics(ifindex: number): NetlinkRequest {
  return request(RTM_GETLINK, NLM_F_ACK, encodeIfinfomsg({ ifindex }), []);
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
