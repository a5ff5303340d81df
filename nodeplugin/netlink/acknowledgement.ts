// SPDX-License-Identifier: Apache-2.0
import { align } from './align.ts';
import { decodeAttributes, readString } from './attributes.ts';
import { readI32, readU32 } from './host-order.ts';
import { headerLength, malformed, type NetlinkMessage, NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSG_DONE } from './message.ts';

/** The kernel's verdict on a request: errno 0 is success; `text` is its own explanation, where it gives one. */
export interface Acknowledgement {
  readonly errno: number;
  readonly text?: string;
}

/** NLMSGERR_ATTR_MSG, linux/netlink.h. */
const messageAttribute = 1;

/**
 * Reads NLMSG_ERROR (struct nlmsgerr: the negative errno, then the request's header and, unless capped, its payload)
 * and NLMSG_DONE (the negative errno alone). Attributes follow where the flags say so.
 */
export function decodeAcknowledgement(message: NetlinkMessage): Acknowledgement {
  const { payload } = message;
  // A NLMSG_DONE without a number is legal: nothing went wrong.
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
