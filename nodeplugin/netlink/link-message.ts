// SPDX-License-Identifier: Apache-2.0
import {
  type Attribute,
  decodeAttributes,
  decodeString,
  findAttribute,
  malformed,
  readI32,
  readNested,
  readNumber,
  readString,
  readU16,
  readU32,
  readU64,
  writeU32,
} from './attributes.ts';

// linux/rtnetlink.h
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWLINKPROP = 108;

// linux/if_link.h
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  OPERSTATE: 16,
  LINKMODE: 17,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  CARRIER: 33,
  LINK_NETNSID: 37,
  TARGET_NETNSID: 46,
  NEW_IFINDEX: 49,
  PROP_LIST: 52,
  ALT_IFNAME: 53,
  PERM_ADDRESS: 54,
  PARENT_DEV_NAME: 56,
  PARENT_DEV_BUS_NAME: 57,
} as const;

/** Attributes inside IFLA_LINKINFO, linux/if_link.h. */
export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4 } as const;

/** The attribute inside IFLA_INFO_DATA of macvlan and macvtap, linux/if_link.h. */
export const IFLA_MACVLAN_MODE = 1;

/** Attributes inside IFLA_INFO_DATA of a VLAN, linux/if_link.h. */
export const IFLA_VLAN = { ID: 1, PROTOCOL: 5 } as const;

/** ETH_P_8021Q and ETH_P_8021AD, linux/if_ether.h. The keys are the names that iproute2 uses. */
const vlanProtocols = { '802.1Q': 0x8100, '802.1ad': 0x88a8 } as const;
type VlanProtocol = keyof typeof vlanProtocols;

/** enum macvlan_mode, linux/if_link.h. */
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
export type MacvtapMode = keyof typeof macvlanModes;

// linux/if.h
export const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_ALLMULTI = 0x200;
export const IF_OPER_DORMANT = 5;
export const IF_LINK_MODE_DORMANT = 1;
/** linux/if_arp.h */
const ARPHRD_ETHER = 1;

/** sizeof(struct ifinfomsg), linux/rtnetlink.h: u8 family, pad, u16 type, i32 index, u32 flags, u32 change. */
export const ifinfomsgLength = 16;

/** The fields of an RTM_NEWLINK or RTM_DELLINK message that the node plugin uses. */
export interface LinkMessage {
  readonly ifindex: number;
  readonly name: string;
  readonly altNames: readonly string[];
  /** IFLA_IFALIAS: any text that an administrator or a program added to the link. */
  readonly alias?: string;
  /** IFLA_INFO_KIND; absent for physical NICs and loopback. */
  readonly kind?: string;
  readonly ethernet: boolean;
  readonly loopback: boolean;
  readonly up: boolean;
  /**
   * Whether promiscuous mode is set on the link. Stays false if only a bridge or a packet capture enables promiscuous
   * mode.
   */
  readonly promiscuous: boolean;
  readonly carrier: boolean;
  readonly mtu: number;
  /** @example '52:54:00:12:34:56' */
  readonly macAddress?: string;
  readonly permanentMACAddress?: string;
  readonly masterIfindex?: number;
  /** The kind of the link's master, for example bond or bridge. */
  readonly slaveKind?: string;
  /** The index of the link below this one (IFLA_LINK), if both are in the same namespace. */
  readonly lowerIfindex?: number;
  /** The index of the link below this one, if that link is in another namespace. The index is valid only there. */
  readonly lowerIfindexElsewhere?: number;
  readonly macvlanMode?: MacvtapMode;
  readonly vlan?: { readonly id: number; readonly protocol: VlanProtocol };
  /** The name and bus of the link's device: `0000:3b:00.0` on `pci`, `virtio2` on `virtio`. */
  readonly parentDevice?: { readonly name: string; readonly bus: string };
}

export function encodeIfinfomsg(fields: { ifindex?: number; flags?: number; change?: number }): Uint8Array {
  const bytes = new Uint8Array(ifinfomsgLength);
  writeU32(bytes, 4, fields.ifindex ?? 0);
  writeU32(bytes, 8, fields.flags ?? 0);
  writeU32(bytes, 12, fields.change ?? 0);
  return bytes;
}

/** The attributes that this program uses, about a third of those in a message. */
const usedAttributes: ReadonlySet<number> = new Set(Object.values(IFLA));

/** Decodes only the index of a link. Raises `NetlinkMalformed`. */
export function decodeIfindex(payload: Uint8Array): number {
  if (payload.length < ifinfomsgLength) throw malformed(`a link message has ${payload.length} bytes`);
  return readI32(payload, 4);
}

/** Decodes a link. Raises `NetlinkMalformed`. */
export function decodeLink(payload: Uint8Array): LinkMessage {
  const ifindex = decodeIfindex(payload);
  const attributes = decodeAttributes(payload.subarray(ifinfomsgLength), usedAttributes);
  const flags = readU32(payload, 8);
  return {
    ifindex,
    name: readString(attributes, IFLA.IFNAME) ?? '',
    altNames: readNested(attributes, IFLA.PROP_LIST)
      .filter(({ type }) => type === IFLA.ALT_IFNAME)
      .map(({ value }) => decodeString(value)),
    ethernet: readU16(payload, 2) === ARPHRD_ETHER,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    up: (flags & IFF_UP) !== 0,
    promiscuous: (flags & IFF_PROMISC) !== 0,
    carrier: readNumber(attributes, IFLA.CARRIER) === 1,
    mtu: readNumber(attributes, IFLA.MTU) ?? 0,
    ...decodeAlias(attributes),
    ...decodeAddresses(attributes),
    ...decodeRelations(attributes),
    ...decodeInfo(readNested(attributes, IFLA.LINKINFO)),
  };
}

/**
 * Decodes the number of sent packets: tx_packets of struct rtnl_link_stats64, linux/if_link.h. Raises
 * `NetlinkMalformed`.
 */
export function decodeSentPackets(payload: Uint8Array): bigint {
  const statistics = findAttribute(decodeAttributes(payload.subarray(ifinfomsgLength)), IFLA.STATS64);
  if (statistics === undefined || statistics.length < 16) throw malformed('a link message without its statistics');
  return readU64(statistics, 8);
}

function decodeAlias(attributes: readonly Attribute[]): Pick<LinkMessage, 'alias'> {
  const alias = readString(attributes, IFLA.IFALIAS);
  return { ...(alias !== undefined && alias !== '' && { alias }) };
}

function decodeAddresses(attributes: readonly Attribute[]): Pick<LinkMessage, 'macAddress' | 'permanentMACAddress'> {
  const current = findAttribute(attributes, IFLA.ADDRESS);
  const permanent = findAttribute(attributes, IFLA.PERM_ADDRESS);
  return {
    ...(current !== undefined && current.length > 0 && { macAddress: formatMACAddress(current) }),
    // All zeros mean that the hardware has no address.
    ...(permanent?.some((byte) => byte !== 0) && { permanentMACAddress: formatMACAddress(permanent) }),
  };
}

function decodeRelations(
  attributes: readonly Attribute[],
): Pick<LinkMessage, 'masterIfindex' | 'lowerIfindex' | 'lowerIfindexElsewhere' | 'parentDevice'> {
  const master = readNumber(attributes, IFLA.MASTER);
  const lower = readNumber(attributes, IFLA.LINK);
  // With IFLA_LINK_NETNSID, the index belongs to another namespace. In this namespace, an unrelated link may have the
  // same index.
  const elsewhere = findAttribute(attributes, IFLA.LINK_NETNSID) !== undefined;
  const name = readString(attributes, IFLA.PARENT_DEV_NAME);
  const bus = readString(attributes, IFLA.PARENT_DEV_BUS_NAME);
  return {
    ...(master !== undefined && master !== 0 && { masterIfindex: master }),
    ...(lower !== undefined && lower !== 0 && { [elsewhere ? 'lowerIfindexElsewhere' : 'lowerIfindex']: lower }),
    ...(name !== undefined && bus !== undefined && { parentDevice: { name, bus } }),
  };
}

function decodeInfo(info: readonly Attribute[]): Pick<LinkMessage, 'kind' | 'slaveKind' | 'macvlanMode' | 'vlan'> {
  const kind = readString(info, IFLA_INFO.KIND);
  const slaveKind = readString(info, IFLA_INFO.SLAVE_KIND);
  const mode = kind === 'macvtap' || kind === 'macvlan' ? decodeMode(readNested(info, IFLA_INFO.DATA)) : undefined;
  return {
    ...(kind !== undefined && { kind }),
    ...(slaveKind !== undefined && { slaveKind }),
    ...(mode !== undefined && { macvlanMode: mode }),
    ...(kind === 'vlan' && decodeVlan(readNested(info, IFLA_INFO.DATA))),
  };
}

function decodeVlan(data: readonly Attribute[]): Pick<LinkMessage, 'vlan'> {
  const id = readNumber(data, IFLA_VLAN.ID);
  // Unlike all other numbers, the protocol is in network byte order (__be16).
  const [high = 0, low = 0] = findAttribute(data, IFLA_VLAN.PROTOCOL) ?? [];
  const protocol = (Object.keys(vlanProtocols) as VlanProtocol[]).find(
    (name) => vlanProtocols[name] === high * 256 + low,
  );
  return { ...(id !== undefined && protocol !== undefined && { vlan: { id, protocol } }) };
}

function decodeMode(data: readonly Attribute[]): MacvtapMode | undefined {
  const number = readNumber(data, IFLA_MACVLAN_MODE);
  return (Object.keys(macvlanModes) as MacvtapMode[]).find((mode) => macvlanModes[mode] === number);
}

function formatMACAddress(bytes: Uint8Array): string {
  const digits = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return digits.replace(/..(?!$)/g, '$&:');
}

/** Returns the six bytes of `52:54:00:12:34:56`, or undefined for any other text. */
export function parseMACAddress(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}
