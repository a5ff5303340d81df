// SPDX-License-Identifier: Apache-2.0
import { decodeAttributes, findAttribute } from './attributes.ts';
import { formatIPAddress } from './format-ip-address.ts';
import { readU32 } from './host-order.ts';
import { malformed, NLM_F_DUMP, NLM_F_REQUEST } from './message.ts';
import type { NetlinkRequest } from './netlink-request.ts';

// linux/rtnetlink.h
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

// linux/if_addr.h
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
/** sizeof(struct ifaddrmsg), linux/if_addr.h: u8 family, prefix length, flags, scope; u32 index. */
const ifaddrmsgLength = 8;

/** enum rt_scope_t, linux/rtnetlink.h; numbers without a name here are a user's own. */
const scopes: Readonly<Record<number, AddressMessage['scope']>> = {
  0: 'universe',
  200: 'site',
  253: 'link',
  254: 'host',
};

export interface AddressMessage {
  readonly ifindex: number;
  /** Address with prefix length: `10.0.0.1/24`, `2001:db8::1/64`. */
  readonly address: string;
  readonly scope: 'universe' | 'site' | 'link' | 'host' | 'other';
}

/** Addresses of every family. */
export function encodeDumpAddresses(): NetlinkRequest {
  return { type: RTM_GETADDR, flags: NLM_F_REQUEST | NLM_F_DUMP, payload: new Uint8Array(ifaddrmsgLength) };
}

/** Undefined for an address that is no IP address. Raises `NetlinkMalformed`. */
export function decodeAddress(payload: Uint8Array): AddressMessage | undefined {
  if (payload.length < ifaddrmsgLength) throw malformed(`an address message has ${payload.length} bytes`);
  const attributes = decodeAttributes(payload.subarray(ifaddrmsgLength));
  // On a point-to-point link IFA_ADDRESS is the other end's; IFA_LOCAL, where given, is always ours.
  const bytes = findAttribute(attributes, IFA_LOCAL) ?? findAttribute(attributes, IFA_ADDRESS);
  const text = bytes === undefined ? undefined : formatIPAddress(bytes);
  if (text === undefined) return undefined;
  return {
    ifindex: readU32(payload, 4),
    address: `${text}/${payload[1]}`,
    scope: scopes[payload[3] ?? 0] ?? 'other',
  };
}
