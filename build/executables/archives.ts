// SPDX-License-Identifier: Apache-2.0
import { promisify } from 'node:util';
import { crc32, deflateRaw, gzip } from 'node:zlib';
import { encodeTar, type TarFile } from '../../runtime/tar.ts';

const compress = promisify(gzip);
const deflate = promisify(deflateRaw);

/** The time of every file in an archive, so that archives are reproducible: the earliest that zip can express. */
const modifiedS = Date.UTC(1980, 0, 1) / 1_000;

/** Writes files into an archive. Identical files produce identical bytes. krew reads both formats. */
export async function encodeArchive(format: 'tar.gz' | 'zip', files: readonly TarFile[]): Promise<Buffer> {
  return format === 'zip' ? await encodeZip(files) : await compress(encodeTar(files, modifiedS));
}

const localHeader = 0x04034b50;
const centralHeader = 0x02014b50;
const endOfDirectory = 0x06054b50;
/** 2.0, the version that has deflate. */
const versionNeeded = 20;
/** Unix, so that readers use the permissions. */
const madeBy = (3 << 8) | versionNeeded;
const deflated = 8;
/** The 1st of January 1980 in the format of MS-DOS: the year since 1980, the month and the day. */
const dosDate = (1 << 5) | 1;

/** Source: PKWARE's .ZIP File Format Specification, 4.3.6 to 4.3.16. */
async function encodeZip(files: readonly TarFile[]): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode = 0o644 } of files) {
    const packed = await deflate(content);
    const path = Buffer.from(name);
    // The fields that a file's own header and its entry in the directory share.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(versionNeeded, 0);
    shared.writeUInt16LE(deflated, 4);
    shared.writeUInt16LE(dosDate, 8);
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(path.length, 22);
    const entry = Buffer.alloc(14);
    // A regular file (S_IFREG) with its permissions, in the upper half of the external attributes.
    entry.writeUInt32LE(((0o100_000 | mode) << 16) >>> 0, 6);
    entry.writeUInt32LE(offset, 10);
    directory.push(numbers([centralHeader, 4], [madeBy, 2]), shared, entry, path);
    const header = Buffer.concat([numbers([localHeader, 4]), shared, path]);
    parts.push(header, packed);
    offset += header.length + packed.length;
  }
  const list = Buffer.concat(directory);
  const { length } = files;
  const end = numbers([endOfDirectory, 4], [0, 4], [length, 2], [length, 2], [list.length, 4], [offset, 4], [0, 2]);
  return Buffer.concat([...parts, list, end]);
}

/** Encodes unsigned little-endian numbers, each with its number of bytes. */
function numbers(...values: readonly (readonly [number, 2 | 4])[]): Buffer {
  return Buffer.concat(
    values.map(([value, bytes]) => {
      const field = Buffer.alloc(bytes);
      field.writeUIntLE(value, 0, bytes);
      return field;
    }),
  );
}

/**
 * Fills in the template of krew's manifest. `url` is the address of the folder with the archives, and `digests` has the
 * SHA-256 of each target's archive.
 */
export function fillManifest(
  template: string,
  version: string,
  url: string,
  digests: Readonly<Record<string, string>>,
): string {
  const text = template.replace(/^(?:#.*\n)+/, '');
  return text
    .replaceAll('$VERSION', () => version)
    .replaceAll('$URL', () => url.replace(/\/+$/, ''))
    .replaceAll(/\$SHA256\(([^)]+)\)/g, (_, target: string) => {
      const digest = digests[target];
      if (digest === undefined) throw new Error(`the template of krew's manifest names ${target}, which was not built`);
      return digest;
    });
}
