// SPDX-License-Identifier: Apache-2.0
import {
  type Attribute,
  align,
  decodeAttributes,
  findAttribute,
  malformed,
  readI32,
  readNumber,
  readU16,
  readU32,
} from './attributes.ts';
import { type NetlinkMessage, type NetlinkRequest, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';

// linux/rtnetlink.h
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

// linux/if_addr.h
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
/** sizeof(struct ifaddrmsg), linux/if_addr.h: u8 family, prefix length, flags, scope; u32 index. */
const ifaddrmsgLength = 8;

/** enum rt_scope_t, linux/rtnetlink.h. Other numbers are user-defined. */
const scopes: Readonly<Record<number, AddressMessage['scope']>> = {
  0: 'universe',
  200: 'site',
  253: 'link',
  254: 'host',
};

export interface AddressMessage {
  readonly ifindex: number;
  /** The address with its prefix length: `10.0.0.1/24`, `2001:db8::1/64`. */
  readonly address: string;
  readonly scope: 'universe' | 'site' | 'link' | 'host' | 'other';
}

/** Encodes a request for the addresses of every family. */
export function encodeDumpAddresses(): NetlinkRequest {
  return { type: RTM_GETADDR, flags: NLM_F_REQUEST | NLM_F_DUMP, payload: new Uint8Array(ifaddrmsgLength) };
}

/** Decodes an address. Returns undefined if it is not an IP address. Raises `NetlinkMalformed`. */
export function decodeAddress(payload: Uint8Array): AddressMessage | undefined {
  if (payload.length < ifaddrmsgLength) throw malformed(`an address message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(ifaddrmsgLength));
  // On a point-to-point link, IFA_ADDRESS is the peer's address. IFA_LOCAL, if present, is always this host's.
  const bytes = findAttribute(attributes, IFA_LOCAL) ?? findAttribute(attributes, IFA_ADDRESS);
  const text = bytes === undefined ? undefined : formatIPAddress(bytes);
  if (text === undefined) return undefined;
  return {
    ifindex: readU32(payload, 4),
    address: `${text}/${payload[1]}`,
    scope: scopes[payload[3] ?? 0] ?? 'other',
  };
}

/** Returns whether an address message is about an IPv6 address of the scope link. Raises `NetlinkMalformed`. */
export function isIPv6LinkLocal(payload: Uint8Array): boolean {
  if (payload.length < ifaddrmsgLength) throw malformed(`an address message has ${payload.length} bytes`);
  return payload[0] === families.ipv6 && scopes[payload[3] ?? 0] === 'link';
}

/**
 * Formats a binary address; IPv6 addresses follow RFC 5952. Returns undefined if the length fits neither IPv4 nor IPv6.
 */
export function formatIPAddress(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const zeros = longestZeroRun(groups);
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (zeros.length < 2) return text(groups);
  return `${text(groups.slice(0, zeros.start))}::${text(groups.slice(zeros.start + zeros.length))}`;
}

/** Returns the longest run of zeros, or the first of several equally long runs. */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  }
  return best;
}

// linux/rtnetlink.h
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTA_OIF = 4;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTN_UNICAST = 1;
const RT_TABLE_MAIN = 254;
/** sizeof(struct rtmsg): u8 family, dst_len, src_len, tos, table, protocol, scope, type; u32 flags. */
const rtmsgLength = 12;
/** sizeof(struct rtnexthop): u16 length, u8 flags, u8 hops, i32 ifindex. */
const rtnexthopLength = 8;

/** linux/socket.h */
const families = { ipv4: 2, ipv6: 10 } as const;

export interface RouteMessage {
  readonly unicast: boolean;
  readonly mainTable: boolean;
  /** The prefix length of the destination; 0 for a default route. */
  readonly prefixLength: number;
  /** The links of all next hops. */
  readonly ifindexes: readonly number[];
}

/**
 * Encodes a request for the routes of the main table. Only the default routes in the reply are kept. The kernel filters
 * by table only on strict sockets, so the caller must filter again.
 */
export function encodeDumpRoutes(family: keyof typeof families): NetlinkRequest {
  const payload = new Uint8Array(rtmsgLength);
  payload[0] = families[family];
  payload[4] = RT_TABLE_MAIN;
  // A node can have many routes, but few of them are default routes. The others are dropped on arrival.
  const keep = (message: NetlinkMessage) => message.payload[1] === 0;
  return { type: RTM_GETROUTE, flags: NLM_F_REQUEST | NLM_F_DUMP, payload, keep };
}

/** Decodes a route. Raises `NetlinkMalformed`. */
export function decodeRoute(payload: Uint8Array): RouteMessage {
  if (payload.length < rtmsgLength) throw malformed(`a route message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(rtmsgLength));
  // Table numbers above 255 are only in the attribute.
  const table = readNumber(attributes, RTA_TABLE) ?? payload[4];
  return {
    unicast: payload[7] === RTN_UNICAST,
    mainTable: table === RT_TABLE_MAIN,
    prefixLength: payload[1] ?? 0,
    ifindexes: decodeNextHops(attributes),
  };
}

export function isMainDefaultRoute(route: RouteMessage): boolean {
  return route.unicast && route.mainTable && route.prefixLength === 0;
}

function decodeNextHops(attributes: readonly Attribute[]): number[] {
  const single = readNumber(attributes, RTA_OIF);
  const ifindexes = single === undefined ? [] : [single];
  const hops = findAttribute(attributes, RTA_MULTIPATH) ?? new Uint8Array();
  let offset = 0;
  while (offset < hops.length) {
    const rest = hops.length - offset;
    if (rest < rtnexthopLength) throw malformed(`${rest} bytes are left where a next hop needs ${rtnexthopLength}`);
    const length = readU16(hops, offset);
    if (length < rtnexthopLength || length > rest) throw malformed(`a next hop claims ${length} of ${rest} bytes`);
    ifindexes.push(readI32(hops, offset + 4));
    offset += align(length);
  }
  return ifindexes;
}
