// SPDX-License-Identifier: Apache-2.0

/** The six bytes of `52:54:00:12:34:56`; undefined for anything else. */
export function parseMACAddress(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return Uint8Array.from(text.split(':'), (byte) => Number.parseInt(byte, 16));
}
