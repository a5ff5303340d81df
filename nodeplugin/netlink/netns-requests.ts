// SPDX-License-Identifier: Apache-2.0
import { align } from './align.ts';
import { decodeAttributes, encodeAttributes, readNumber, u32Attribute } from './attributes.ts';
import { malformed, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';
import type { NetlinkRequest } from './netlink-request.ts';

// linux/rtnetlink.h
const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;

/** linux/net_namespace.h */
const NETNSA = { NSID: 1, FD: 3 } as const;

/** NETNSA_NSID_NOT_ASSIGNED, as the kernel writes -1 into an unsigned attribute. */
const notAssigned = 0xffff_ffff;

/** sizeof(struct rtgenmsg), linux/rtnetlink.h: u8 family; attributes begin at the next multiple of four. */
const rtgenmsgLength = align(1);

/** Asks by which number the socket's namespace knows the one of an open descriptor. */
export function encodeGetNetnsID(netnsFd: number): NetlinkRequest {
  return request(RTM_GETNSID, encodeAttributes([u32Attribute(NETNSA.FD, netnsFd)]));
}

/** Gives it a number, which the kernel chooses and keeps as long as both namespaces live. */
export function encodeNewNetnsID(netnsFd: number): NetlinkRequest {
  const attributes = [u32Attribute(NETNSA.NSID, notAssigned), u32Attribute(NETNSA.FD, netnsFd)];
  return request(RTM_NEWNSID, encodeAttributes(attributes));
}

/** Asks for every namespace that has a number here. */
export function encodeDumpNetnsIDs(): NetlinkRequest {
  return { type: RTM_GETNSID, flags: NLM_F_REQUEST | NLM_F_DUMP, payload: new Uint8Array(rtgenmsgLength) };
}

/** The number of a reply to `encodeGetNetnsID`; undefined when there is none yet. Raises `NetlinkMalformed`. */
export function decodeNetnsID(payload: Uint8Array): number | undefined {
  if (payload.length < rtgenmsgLength) throw malformed(`a namespace message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(rtgenmsgLength));
  const value = readNumber(attributes, NETNSA.NSID);
  if (value === undefined || value === notAssigned) return undefined;
  return value;
}

/** Brief, since both are registered with RTNL_FLAG_DOIT_UNLOCKED (net_ns_init, net/core/net_namespace.c). */
function request(type: number, attributes: Uint8Array): NetlinkRequest {
  return {
    type,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    isBrief: true,
    payload: Buffer.concat([new Uint8Array(rtgenmsgLength), attributes]),
  };
}
