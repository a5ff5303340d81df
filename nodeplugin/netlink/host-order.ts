// SPDX-License-Identifier: Apache-2.0

/** Netlink numbers are in the byte order of the host (s390x is big-endian), never in network order. */
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

export function writeU16(bytes: Uint8Array, offset: number, value: number): void {
  view(bytes).setUint16(offset, value, littleEndian);
}

/** Also takes negative numbers, as their two's complement. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  view(bytes).setUint32(offset, value, littleEndian);
}

/** For many numbers of the same bytes. */
export function readerOf(bytes: Uint8Array): { readonly u16: (offset: number) => number } {
  const numbers = view(bytes);
  return { u16: (offset) => numbers.getUint16(offset, littleEndian) };
}

// A view of exactly these bytes, so that a wrong offset throws instead of reading what lies beside them.
function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
