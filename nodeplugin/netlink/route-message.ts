// SPDX-License-Identifier: Apache-2.0

import { align } from './align.ts';
import { type Attribute, decodeAttributes, findAttribute, readNumber } from './attributes.ts';
import { readI32, readU16 } from './host-order.ts';
import { malformed, type NetlinkMessage, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';
import type { NetlinkRequest } from './netlink-request.ts';

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
  /** Prefix length of the destination; 0 is a default route. */
  readonly prefixLength: number;
  /** Every link that it leaves by. */
  readonly ifindexes: readonly number[];
}

/**
 * Asks for the main table's routes; the reply keeps only the default ones.
 * The kernel filters by table where the socket checks strictly; where it does not, the reader's own filter does.
 */
export function encodeDumpRoutes(family: keyof typeof families): NetlinkRequest {
  const payload = new Uint8Array(rtmsgLength);
  payload[0] = families[family];
  payload[4] = RT_TABLE_MAIN;
  // Nodes with many routes have few default routes: the rest is dropped as it comes.
  const keep = (message: NetlinkMessage) => message.payload[1] === 0;
  return { type: RTM_GETROUTE, flags: NLM_F_REQUEST | NLM_F_DUMP, payload, keep };
}

/** Raises `NetlinkMalformed`. */
export function decodeRoute(payload: Uint8Array): RouteMessage {
  if (payload.length < rtmsgLength) throw malformed(`a route message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(rtmsgLength));
  // Table numbers above 255 only fit the attribute.
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
