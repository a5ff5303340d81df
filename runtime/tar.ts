// SPDX-License-Identifier: Apache-2.0

export interface TarFile {
  /** A relative path of at most 100 bytes. */
  readonly name: string;
  readonly content: Uint8Array;
  /** The permission bits. The default is 0o600. */
  readonly mode?: number;
}

const blockSize = 512;

/** Encodes an archive of regular files. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export function encodeTar(files: readonly TarFile[], modifiedS: number): Uint8Array {
  const blocks = files.flatMap(({ name, content, mode = 0o600 }) => [
    encodeHeader(name, content.length, mode, modifiedS),
    content,
    new Uint8Array((blockSize - (content.length % blockSize)) % blockSize),
  ]);
  return Buffer.concat([...blocks, new Uint8Array(2 * blockSize)]);
}

function encodeHeader(name: string, size: number, mode: number, modifiedS: number): Uint8Array {
  const header = Buffer.alloc(blockSize);
  const put = (text: string, offset: number) => header.write(text, offset, 'utf8');
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name}: too long for an archive`);
  put(name, 0);
  put(octal(mode, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(size, 11), 124);
  put(octal(Math.floor(modifiedS), 11), 136);
  // The checksum is computed while its field contains spaces.
  put(' '.repeat(8), 148);
  put('0', 156);
  put('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\u0000 `, 148);
  return header;
}
