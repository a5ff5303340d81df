// SPDX-License-Identifier: Apache-2.0

/**
 * Returns a router advertisement to all nodes. It contains the prefix 2001:db8:1::/64 for autoconfiguration (RFC 4861,
 * RFC 4862).
 */
export function routerAdvertisement(station: string): Uint8Array {
  const source = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 0, 0xbb];
  const allNodes = [0xff, 0x02, ...new Array(13).fill(0), 1];
  const prefix = [0x20, 0x01, 0x0d, 0xb8, 0, 1, ...new Array(10).fill(0)];
  const option = [3, 4, 64, 0xc0, 0, 1, 0x51, 0x80, 0, 0, 0x38, 0x40, 0, 0, 0, 0, ...prefix];
  const body = [134, 0, 0, 0, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, ...option];
  const sum = checksum([...source, ...allNodes, 0, 0, 0, body.length, 0, 0, 0, 58, ...body]);
  body.splice(2, 2, sum >> 8, sum & 0xff);
  const ip = [0x60, 0, 0, 0, 0, body.length, 58, 255, ...source, ...allNodes];
  return Uint8Array.from([0x33, 0x33, 0, 0, 0, 1, ...bytes(station), 0x86, 0xdd, ...ip, ...body]);
}

/** Returns the bytes of a MAC address. */
export function bytes(mac: string): readonly number[] {
  return mac.split(':').map((byte) => Number.parseInt(byte, 16));
}

/** Computes the checksum of RFC 1071. */
function checksum(data: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += ((data[i] ?? 0) << 8) | (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
