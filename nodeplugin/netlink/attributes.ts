// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/** Whether the host is little-endian. All numbers that are read and written here are in the byte order of the host. */
const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

export function readU16(bytes: Uint8Array, offset: number): number {
  return view(bytes).getUint16(offset, littleEndian);
}

export function readU32(bytes: Uint8Array, offset: number): number {
  return view(bytes).getUint32(offset, littleEndian);
}

export function readI32(bytes: Uint8Array, offset: number): number {
  return view(bytes).getInt32(offset, littleEndian);
}

export function readU64(bytes: Uint8Array, offset: number): bigint {
  return view(bytes).getBigUint64(offset, littleEndian);
}

export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  view(bytes).setUint16(offset, value, littleEndian);
}

/** Writes a number. A negative number is written as its two's complement. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  view(bytes).setUint32(offset, value, littleEndian);
}

/** Returns a reader of numbers that creates one DataView for all numbers in these bytes. */
function readerOf(bytes: Uint8Array): { readonly u16: (offset: number) => number } {
  const numbers = view(bytes);
  return { u16: (offset) => numbers.getUint16(offset, littleEndian) };
}

// Covers exactly these bytes, so that a wrong offset throws instead of reading adjacent memory.
function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Rounds up to a multiple of four, at which messages and attributes start: NLMSG_ALIGN and NLA_ALIGN, linux/netlink.h.
 */
export function align(length: number): number {
  return (length + 3) & ~3;
}

/** A netlink attribute. Values of unknown types are not interpreted. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array;
}

// linux/netlink.h: NLA_F_NESTED, and NLA_TYPE_MASK, which excludes the flags NLA_F_NESTED and NLA_F_NET_BYTEORDER
const nestedFlag = 0x8000;
const typeMask = 0x3fff;
/** NLA_HDRLEN, linux/netlink.h: u16 length (including this header), u16 type. */
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

/**
 * Decodes attributes in the order of the message. A type may repeat. If `wanted` is given, other types are only checked
 * and left out, which takes less time for a message with many attributes. Raises `NetlinkMalformed`.
 */
export function decodeAttributes(bytes: Uint8Array, wanted?: ReadonlySet<number>): Attribute[] {
  const attributes: Attribute[] = [];
  const numbers = readerOf(bytes);
  let offset = 0;
  while (offset < bytes.length) {
    const length = readLength(numbers, offset, bytes.length - offset);
    const type = numbers.u16(offset + 2) & typeMask;
    if (wanted === undefined || wanted.has(type)) {
      attributes.push({ type, value: bytes.subarray(offset + attributeHeaderLength, offset + length) });
    }
    offset += align(length);
  }
  return attributes;
}

/** Returns the last attribute of the type, as the kernel's parser does. */
export function findAttribute(attributes: readonly Attribute[], type: number): Uint8Array | undefined {
  return attributes.findLast((attribute) => attribute.type === type)?.value;
}

/**
 * Returns the value of the first attribute of a type, from `start` on. It decodes no other attribute, which is faster
 * if only one is needed. Raises `NetlinkMalformed`.
 */
export function seekAttribute(bytes: Uint8Array, type: number, start = 0): Uint8Array | undefined {
  const numbers = readerOf(bytes);
  for (let offset = start; offset < bytes.length; ) {
    const length = readLength(numbers, offset, bytes.length - offset);
    if ((numbers.u16(offset + 2) & typeMask) === type) {
      return bytes.subarray(offset + attributeHeaderLength, offset + length);
    }
    offset += align(length);
  }
  return undefined;
}

/** Sets all attributes from `start` on to zeros, except those in `kept`. Raises `NetlinkMalformed`. */
export function blankAttributes(bytes: Uint8Array, kept: ReadonlySet<number>, start: number): void {
  const numbers = readerOf(bytes);
  for (let offset = start; offset < bytes.length; ) {
    const length = readLength(numbers, offset, bytes.length - offset);
    const isKept = kept.has(numbers.u16(offset + 2) & typeMask);
    if (!isKept) bytes.fill(0, offset + attributeHeaderLength, offset + length);
    offset += align(length);
  }
}

function readLength(numbers: ReturnType<typeof readerOf>, offset: number, rest: number): number {
  if (rest < attributeHeaderLength) throw malformed(`${rest} bytes are left where an attribute needs 4`);
  const length = numbers.u16(offset);
  if (length < attributeHeaderLength || length > rest)
    throw malformed(`an attribute claims ${length} of ${rest} bytes`);
  return length;
}

export function u32Attribute(type: number, value: number): Attribute {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return { type, value: bytes };
}

export function u16Attribute(type: number, value: number): Attribute {
  const bytes = new Uint8Array(2);
  writeU16(bytes, 0, value);
  return { type, value: bytes };
}

/** Encodes a text with the final NUL that NLA_NUL_STRING requires. */
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
  if (value.length === 2) return readU16(value, 0);
  if (value.length === 4) return readU32(value, 0);
  throw malformed(`attribute ${type} has ${value.length} bytes where a number is expected`);
}

export function readString(attributes: readonly Attribute[], type: number): string | undefined {
  const value = findAttribute(attributes, type);
  return value === undefined ? undefined : decodeString(value);
}

/** Decodes a text up to its first NUL, or the whole text if it has none. */
export function decodeString(value: Uint8Array): string {
  const end = value.indexOf(0);
  return decoder.decode(end < 0 ? value : value.subarray(0, end));
}

export function readNested(attributes: readonly Attribute[], type: number): Attribute[] {
  const value = findAttribute(attributes, type);
  return value === undefined ? [] : decodeAttributes(value);
}

/** Returns the error for bytes that are not valid netlink. */
export function malformed(detail: string): MacvtapError {
  return new MacvtapError(
    'NetlinkMalformed',
    `cannot read a netlink message of the kernel: ${detail}; please report this as a bug`,
  );
}
