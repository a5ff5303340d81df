// SPDX-License-Identifier: Apache-2.0
import { align, decodeAttributes, encodeAttributes, malformed, readNumber, u32Attribute } from './attributes.ts';
import { type NetlinkRequest, NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';

// linux/rtnetlink.h
const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;

/** linux/net_namespace.h */
const NETNSA = { NSID: 1, FD: 3 } as const;

/** NETNSA_NSID_NOT_ASSIGNED, which is -1 in an unsigned attribute. */
const notAssigned = 0xffff_ffff;

/** sizeof(struct rtgenmsg), linux/rtnetlink.h: u8 family; attributes begin at the next multiple of four. */
const rtgenmsgLength = align(1);

/**
 * Encodes a request for the ID of the namespace on which `netnsFd` is open. The ID is valid in the socket's namespace.
 */
export function encodeGetNetnsID(netnsFd: number): NetlinkRequest {
  return request(RTM_GETNSID, encodeAttributes([u32Attribute(NETNSA.FD, netnsFd)]));
}

/**
 * Encodes a request that assigns an ID to a namespace. The kernel chooses the ID. The ID is valid in the socket's
 * namespace, for as long as both namespaces exist.
 */
export function encodeNewNetnsID(netnsFd: number): NetlinkRequest {
  const attributes = [u32Attribute(NETNSA.NSID, notAssigned), u32Attribute(NETNSA.FD, netnsFd)];
  return request(RTM_NEWNSID, encodeAttributes(attributes));
}

/** Encodes a request for the IDs of all namespaces that have an ID in the socket's namespace. */
export function encodeDumpNetnsIDs(): NetlinkRequest {
  return { type: RTM_GETNSID, flags: NLM_F_REQUEST | NLM_F_DUMP, payload: new Uint8Array(rtgenmsgLength) };
}

/**
 * Decodes the ID in a reply to `encodeGetNetnsID`. Returns undefined if no ID is assigned yet. Raises
 * `NetlinkMalformed`.
 */
export function decodeNetnsID(payload: Uint8Array): number | undefined {
  if (payload.length < rtgenmsgLength) throw malformed(`a namespace message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(rtgenmsgLength));
  const value = readNumber(attributes, NETNSA.NSID);
  if (value === undefined || value === notAssigned) return undefined;
  return value;
}

/**
 * Creates a brief request: the kernel handles RTM_GETNSID and RTM_NEWNSID without its network lock (net_ns_init,
 * net/core/net_namespace.c).
 */
function request(type: number, attributes: Uint8Array): NetlinkRequest {
  return {
    type,
    flags: NLM_F_REQUEST | NLM_F_ACK,
    isBrief: true,
    payload: Buffer.concat([new Uint8Array(rtgenmsgLength), attributes]),
  };
}
