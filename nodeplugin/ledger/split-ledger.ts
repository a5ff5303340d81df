// SPDX-License-Identifier: Apache-2.0

export interface SplitLedger {
  /** One JSON text. */
  readonly whole: Uint8Array;
  /** Lines that were appended to it since, each a JSON text without its newline. */
  readonly changes: readonly Uint8Array[];
}

/** How the text of a whole ledger ends, and nothing inside it: there everything is indented (encode-ledger.ts). */
const endOfWhole = Buffer.from('\n}\n');
const newline = 0x0a;

/**
 * Tells the text of a ledger from the changes that follow it, and from the NULs behind these, where more have room. A change
 * was written at once; one that a crash of the machine kept from the disk in part is the last, and either lacks its
 * newline or, when the end came through and what is before it did not, has NULs: it is left out, since whoever
 * asked for it was told nothing.
 */
export function splitLedger(file: Uint8Array): SplitLedger {
  const bytes = file.subarray(0, file.findLastIndex((byte) => byte !== 0) + 1);
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(endOfWhole);
  if (at < 0) return { whole: bytes, changes: [] };
  const end = at + endOfWhole.length;
  const changes: Uint8Array[] = [];
  for (let start = end; start < bytes.length; ) {
    const next = bytes.indexOf(newline, start);
    if (next < 0) break;
    changes.push(bytes.subarray(start, next));
    start = next + 1;
  }
  if (changes.at(-1)?.includes(0)) changes.pop();
  return { whole: bytes.subarray(0, end), changes };
}
