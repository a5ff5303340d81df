// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { align } from './align.ts';
import { readU16, readU32, writeU16, writeU32 } from './host-order.ts';

/** One netlink message without its length; `payload` is what follows the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** sizeof(struct nlmsghdr), linux/netlink.h: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
export const headerLength = 16;

// linux/netlink.h: the message types below NLMSG_MIN_TYPE
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

// linux/netlink.h: flags of any message, of a get request, of a new request, of an acknowledgement
export const NLM_F_REQUEST = 0x01;
export const NLM_F_ACK = 0x04;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x100 | 0x200; // NLM_F_ROOT | NLM_F_MATCH
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_CAPPED = 0x100;
export const NLM_F_ACK_TLVS = 0x200;

/** The port is left 0: the kernel takes the sending socket's. */
export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(align(headerLength + message.payload.length));
  writeU32(bytes, 0, headerLength + message.payload.length);
  writeU16(bytes, 4, message.type);
  writeU16(bytes, 6, message.flags);
  writeU32(bytes, 8, message.sequence);
  bytes.set(message.payload, headerLength);
  return bytes;
}

/** Every message of one datagram. Payloads are views of it, not copies. Raises `NetlinkMalformed`. */
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

export function malformed(detail: string): MacvtapError {
  return new MacvtapError(
    'NetlinkMalformed',
    `cannot read what the kernel sent: ${detail}; please report this as a bug`,
  );
}
