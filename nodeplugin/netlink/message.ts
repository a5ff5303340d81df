// SPDX-License-Identifier: Apache-2.0
import {
  align,
  decodeAttributes,
  malformed,
  readI32,
  readString,
  readU16,
  readU32,
  writeU16,
  writeU32,
} from './attributes.ts';

/** A netlink message. `payload` follows the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** sizeof(struct nlmsghdr), linux/netlink.h: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
const headerLength = 16;

// linux/netlink.h: the message types below NLMSG_MIN_TYPE
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
// linux/netlink.h: the flags of any message, then of get requests, of new requests and of acknowledgements
export const NLM_F_REQUEST = 0x01;
export const NLM_F_ACK = 0x04;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x100 | 0x200; // NLM_F_ROOT | NLM_F_MATCH
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

/** Encodes a message. Its port is 0, and the kernel uses the socket's port instead. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(align(headerLength + message.payload.length));
  writeU32(bytes, 0, headerLength + message.payload.length);
  writeU16(bytes, 4, message.type);
  writeU16(bytes, 6, message.flags);
  writeU32(bytes, 8, message.sequence);
  bytes.set(message.payload, headerLength);
  return bytes;
}

/** Decodes the messages of a datagram. Payloads are views of the datagram, not copies. Raises `NetlinkMalformed`. */
export function decodeMessages(datagram: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  let offset = 0;
  while (offset < datagram.length) {
    const rest = datagram.length - offset;
    if (rest < headerLength) throw malformed(`${rest} bytes are left where a message header needs ${headerLength}`);
    const length = readU32(datagram, offset);
    if (length < headerLength || length > rest) throw malformed(`a message claims ${length} of ${rest} bytes`);
    messages.push({
      type: readU16(datagram, offset + 4),
      flags: readU16(datagram, offset + 6),
      sequence: readU32(datagram, offset + 8),
      payload: datagram.subarray(offset + headerLength, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/** A message without its sequence number, which the socket adds. */
export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
  /** Set if the kernel answers the request within microseconds, without taking its network lock (rtnl_lock). */
  readonly isBrief?: true;
  /** Returns whether to keep a message of the reply. By default, all messages are kept. */
  readonly keep?: (message: NetlinkMessage) => boolean;
}

/** The kernel's result of a request. An `errno` of 0 means success; `text` is the kernel's explanation, if any. */
export interface Acknowledgement {
  readonly errno: number;
  readonly text?: string;
}

/** NLMSGERR_ATTR_MSG, linux/netlink.h. */
const messageAttribute = 1;

/**
 * Decodes NLMSG_ERROR and NLMSG_DONE. NLMSG_ERROR (struct nlmsgerr) contains the negative errno, the request's header
 * and, unless capped, the request's payload. NLMSG_DONE contains only the negative errno. Attributes follow if the
 * flags contain NLM_F_ACK_TLVS.
 */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const { payload } = message;
  // An NLMSG_DONE without a number is legal and means success.
  if (payload.length < 4) {
    if (message.type === NLMSG_DONE) return { errno: 0 };
    throw malformed(`an error message has ${payload.length} bytes`);
  }
  const negative = readI32(payload, 0);
  if (negative > 0) throw malformed(`an error message carries the positive number ${negative}`);
  const errno = Math.abs(negative);
  if ((message.flags & NLM_F_ACK_TLVS) === 0) return { errno };
  const text = readString(decodeAttributes(payload.subarray(attributesOffset(message))), messageAttribute);
  return text === undefined || text === '' ? { errno } : { errno, text };
}

function attributesOffset({ type, flags, payload }: NetlinkMessage): number {
  if (type === NLMSG_DONE) return 4;
  const requestOffset = 4;
  if (payload.length < requestOffset + headerLength) throw malformed(`an error message has ${payload.length} bytes`);
  if ((flags & NLM_F_CAPPED) !== 0) return requestOffset + headerLength;
  const requestLength = readU32(payload, requestOffset);
  if (requestLength < headerLength || requestLength > payload.length - requestOffset) {
    throw malformed(`an error message claims a request of ${requestLength} bytes`);
  }
  return requestOffset + align(requestLength);
}
