// SPDX-License-Identifier: Apache-2.0
import { align } from './align.ts';
import { readerOf, readU32, writeU16, writeU32 } from './host-order.ts';
import { malformed } from './message.ts';

/** A type-length-value triple; types that nobody asks for are carried along unread. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

// linux/netlink.h: NLA_F_NESTED, and NLA_TYPE_MASK without it and NLA_F_NET_BYTEORDER
const nestedFlag = 0x8000;
const typeMask = 0x3fff;
/** NLA_HDRLEN, linux/netlink.h: u16 length (with this header), u16 type. */
const attributeHeaderLength = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  const sizes = attributes.map(({ value }) => align(attributeHeaderLength + value.length));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let offset = 0;
  for (const [i, { type, value }] of attributes.entries()) {
    writeU16(bytes, offset, attributeHeaderLength + value.length);
    writeU16(bytes, offset + 2, type);
    bytes.set(value, offset + attributeHeaderLength);
    offset += sizes[i] ?? 0;
  }
  return bytes;
}

/** In the order of the message; a type may repeat. Raises `NetlinkMalformed`. */
export function decodeAttributes(bytes: Uint8Array): Attribute[] {
  const attributes: Attribute[] = [];
  const numbers = readerOf(bytes);
  let offset = 0;
  while (offset < bytes.length) {
    const rest = bytes.length - offset;
    if (rest < attributeHeaderLength) throw malformed(`${rest} bytes are left where an attribute needs 4`);
    const length = numbers.u16(offset);
    if (length < attributeHeaderLength || length > rest)
      throw malformed(`an attribute claims ${length} of ${rest} bytes`);
    attributes.push({
      type: numbers.u16(offset + 2) & typeMask,
      value: bytes.subarray(offset + attributeHeaderLength, offset + length),
    });
    offset += align(length);
  }
  return attributes;
}

/** The last one of the type, as the kernel's own parser takes it. */
export function findAttribute(attributes: readonly Attribute[], type: number): Uint8Array | undefined {
  return attributes.findLast((attribute) => attribute.type === type)?.value;
}

export function u32Attribute(type: number, value: number): Attribute {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return { type, value: bytes };
}

/** With the NUL at the end that NLA_NUL_STRING asks for. */
export function stringAttribute(type: number, text: string): Attribute {
  return { type, value: encoder.encode(`${text}\0`) };
}

export function nestedAttribute(type: number, attributes: readonly Attribute[]): Attribute {
  return { type: type | nestedFlag, value: encodeAttributes(attributes) };
}

export function readNumber(attributes: readonly Attribute[], type: number): number | undefined {
  const value = findAttribute(attributes, type);
  if (value === undefined) return undefined;
  if (value.length === 1) return value[0];
  if (value.length === 4) return readU32(value, 0);
  throw malformed(`attribute ${type} has ${value.length} bytes where a number is expected`);
}

export function readString(attributes: readonly Attribute[], type: number): string | undefined {
  const value = findAttribute(attributes, type);
  return value === undefined ? undefined : decodeString(value);
}

/** Up to the first NUL, or all of it. */
export function decodeString(value: Uint8Array): string {
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}

export function readNested(attributes: readonly Attribute[], type: number): Attribute[] {
  const value = findAttribute(attributes, type);
  return value === undefined ? [] : decodeAttributes(value);
}
