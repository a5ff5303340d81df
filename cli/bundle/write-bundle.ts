// SPDX-License-Identifier: Apache-2.0
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { writeFileAtomically } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { print } from '../output/print.ts';
import type { BundleFile } from './collect-bundle.ts';

const compress = promisify(gzip);

/**
 * Writes a bundle that only its owner can access. The path `-` means standard output. If the path is an existing
 * directory or ends in a slash, separate files are written there. Otherwise, a gzipped archive is written. Raises
 * FileNotWritten.
 */
export async function writeBundle(files: readonly BundleFile[], path: string, nowMs: number): Promise<void> {
  const isDirectory =
    path.endsWith('/') ||
    (await stat(path).then(
      (info) => info.isDirectory(),
      () => false,
    ));
  if (isDirectory) return await writeDirectory(files, path);
  const entries = files.map(({ name, text }) => ({
    name: `kube-macvtap-support/${name}`.slice(0, 100),
    content: Buffer.from(text),
  }));
  const archive = await compress(encodeTar(entries, nowMs / 1_000));
  if (path === '-') await print(archive);
  else await writeFileAtomically(path, archive);
}

async function writeDirectory(files: readonly BundleFile[], directory: string): Promise<void> {
  try {
    for (const { name, text } of files) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { mode: 0o600 });
    }
  } catch (thrown) {
    throw new MacvtapError('FileNotWritten', thrown instanceof Error ? thrown.message : String(thrown), {
      cause: thrown,
    });
  }
}

export interface TarFile {
  /** A relative path of at most 100 bytes. */
  readonly name: string;
  readonly content: Uint8Array;
}

const blockSize = 512;

/** Encodes an archive of regular files with mode 0600. Source: POSIX.1-2017, pax, "ustar Interchange Format". */
export function encodeTar(files: readonly TarFile[], modifiedS: number): Uint8Array {
  const blocks = files.flatMap(({ name, content }) => [
    encodeHeader(name, content.length, modifiedS),
    content,
    new Uint8Array((blockSize - (content.length % blockSize)) % blockSize),
  ]);
  return Buffer.concat([...blocks, new Uint8Array(2 * blockSize)]);
}

function encodeHeader(name: string, size: number, modifiedS: number): Uint8Array {
  const header = Buffer.alloc(blockSize);
  const put = (text: string, offset: number) => header.write(text, offset, 'utf8');
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  if (Buffer.byteLength(name) > 100) throw new RangeError(`${name}: too long for an archive`);
  put(name, 0);
  put(octal(0o600, 7), 100);
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
