// SPDX-License-Identifier: Apache-2.0

/** An entry of an archive; paths have no leading slash: `bin/busybox`. A folder comes before its entries. */
export type CpioEntry =
  | { readonly path: string; readonly type: 'folder' }
  | { readonly path: string; readonly type: 'file'; readonly data: Uint8Array; readonly isProgram?: boolean }
  | { readonly path: string; readonly type: 'link'; readonly target: string }
  | { readonly path: string; readonly type: 'terminal'; readonly major: number; readonly minor: number };

/** st_mode: a type of linux/stat.h and permissions. */
const modes = { folder: 0o040755, file: 0o100644, program: 0o100755, link: 0o120777, terminal: 0o020600 } as const;

/**
 * A cpio archive of the form `newc`, the one that the kernel takes as an initramfs
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Each entry is a header in hexadecimal, its name and its
 * data, and both name and data end at a multiple of four. Equal entries make equal bytes: everything belongs to root
 * and has a date in 1970.
 */
export function encodeCpio(entries: readonly CpioEntry[]): Uint8Array {
  const records = entries.map((entry, index) => encodeEntry(entry, index + 1));
  return Buffer.concat([...records, encodeRecord('TRAILER!!!', { inode: 0, mode: 0 })]);
}

function encodeEntry(entry: CpioEntry, inode: number): Uint8Array {
  switch (entry.type) {
    case 'folder':
      return encodeRecord(entry.path, { inode, mode: modes.folder });
    case 'file':
      return encodeRecord(entry.path, { inode, mode: entry.isProgram ? modes.program : modes.file }, entry.data);
    case 'link':
      return encodeRecord(entry.path, { inode, mode: modes.link }, Buffer.from(entry.target));
    case 'terminal':
      return encodeRecord(entry.path, { inode, mode: modes.terminal, device: entry });
  }
}

interface Header {
  readonly inode: number;
  readonly mode: number;
  readonly device?: { readonly major: number; readonly minor: number };
}

function encodeRecord(path: string, { inode, mode, device }: Header, data: Uint8Array = new Uint8Array()): Uint8Array {
  const name = Buffer.from(`${path}\0`);
  const numbers = {
    ...{ inode, mode, uid: 0, gid: 0, links: 1, modified: 0, size: data.length },
    ...{ onMajor: 0, onMinor: 0, major: device?.major ?? 0, minor: device?.minor ?? 0 },
    ...{ nameLength: name.length, checksum: 0 },
  };
  const header = `070701${Object.values(numbers)
    .map((number) => number.toString(16).padStart(8, '0'))
    .join('')}`;
  return Buffer.concat([padded(Buffer.concat([Buffer.from(header), name])), padded(data)]);
}

function padded(bytes: Uint8Array): Uint8Array {
  const length = Math.ceil(bytes.length / 4) * 4;
  return Buffer.concat([bytes], length);
}
