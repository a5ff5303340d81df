// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtempDisposable, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));

/** An npm package that contains Node.js for one platform, as package-lock.json pins it. */
interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** The SHA-512 of the package's archive. @example 'sha512-GCIKoDIO…' */
  readonly integrity: string;
}

/**
 * Returns the folder of an npm package that contains Node.js. The folder is below a folder `node_modules`. If npm did
 * not install the package, because it is for another platform, downloads it once into `cache`.
 */
export async function fetchRuntime(name: string, cache: string, print: (line: string) => void): Promise<string> {
  const pinned = await readPin(name);
  const installed = join(root, 'node_modules', name);
  if ((await readVersion(installed)) === pinned.version) return installed;
  const folder = join(cache, pinned.version, 'node_modules', name);
  if ((await readVersion(folder)) === pinned.version) return folder;
  print(`${name} ${pinned.version}: downloading`);
  await mkdir(dirname(folder), { recursive: true });
  await using work = await mkdtempDisposable(join(dirname(folder), '.download-'));
  await unpack(await download(pinned, work.path), pinned, work.path);
  await rename(join(work.path, 'package'), folder).catch(async (thrown: unknown) => {
    // Another process may have downloaded it meanwhile.
    if ((await readVersion(folder)) !== pinned.version) throw thrown;
  });
  return folder;
}

/**
 * Reads the version and hash of a package from package-lock.json. The running Node.js writes the blob of an executable,
 * and only Node.js of the same version can read it. So any other version is an error.
 */
async function readPin(name: string): Promise<PinnedPackage> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8'));
  const { version, integrity } = packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json does not pin ${name}`);
  if (version !== process.versions.node) {
    throw new Error(
      `package-lock.json has ${name} ${version}, but this command runs on Node.js ${process.versions.node}; ` +
        `run it with Node.js ${version}, or set all packages of Node.js in package-lock.json to one version`,
    );
  }
  return { name, version, integrity };
}

async function readVersion(folder: string): Promise<string | undefined> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text).version;
}

/** Downloads the archive of a package with npm, which uses the registry, proxy and cache of its user. */
async function download({ name, version }: PinnedPackage, folder: string): Promise<string> {
  const args = ['pack', '--json', '--prefer-offline', '--pack-destination', folder, `${name}@${version}`];
  // On Windows, npm is a script, which only a shell can start.
  const { stdout } = await run('npm', args, { cwd: root, maxBuffer: 16 << 20, shell: process.platform === 'win32' });
  return join(folder, JSON.parse(stdout)[0].filename);
}

/** Checks the archive against package-lock.json and unpacks the program and the licence from it. */
async function unpack(archive: string, { name, version, integrity }: PinnedPackage, folder: string): Promise<void> {
  const hash = `sha512-${createHash('sha512')
    .update(await readFile(archive))
    .digest('base64')}`;
  if (hash !== integrity) {
    throw new Error(`${name} ${version} from the registry is ${hash}, but package-lock.json pins ${integrity}`);
  }
  const unneeded = ['include', 'share', '*.md'].map((part) => `--exclude=package/${part}`);
  await run('tar', ['-xzf', archive, '-C', folder, ...unneeded]);
}

/** Removes the parts of a program that it does not need to run: the symbols of ELF, and the signature of PE. */
export function slimProgram(program: Buffer): Buffer {
  return program.readUInt32BE(0) === 0x7f454c46 ? withoutSymbols(program) : withoutSignature(program);
}

const sectionSize = 64;
const allocated = 2n; // SHF_ALLOC
const noBits = 8; // SHT_NOBITS

/**
 * Removes the sections that are not loaded into memory, like strip(1). That program is not used, because it handles
 * only the machine's own architecture. Source: the ELF-64 object file format, version 1.5, and elf(5).
 */
function withoutSymbols(elf: Buffer): Buffer {
  if (elf.readUInt16BE(4) !== 0x0201) throw new Error('the program is not 64-bit little-endian ELF');
  const at = (index: number) => Number(elf.readBigUInt64LE(40)) + index * sectionSize;
  const headers = Array.from({ length: elf.readUInt16LE(60) }, (_, index) =>
    Buffer.from(elf.subarray(at(index), at(index + 1))),
  );
  const names = headers[elf.readUInt16LE(62)];
  const last = headers.findLastIndex((header) => (header.readBigUInt64LE(8) & allocated) !== 0n);
  const kept = headers.slice(0, last + 1);
  if (names === undefined || last < 0) throw new Error('the program has no sections');
  const extent = (header: Buffer) => [header.readBigUInt64LE(24), header.readBigUInt64LE(32)].map(Number);
  const contentEnd = kept.reduce((end, header) => {
    const [offset = 0, size = 0] = extent(header);
    return header.readUInt32LE(4) === noBits ? end : Math.max(end, offset + size);
  }, 0);
  const [namesAt = 0, namesSize = 0] = extent(names);
  names.writeBigUInt64LE(BigInt(contentEnd), 24);
  const padding = Buffer.alloc(-(contentEnd + namesSize) & 7);
  const content = [elf.subarray(0, contentEnd), elf.subarray(namesAt, namesAt + namesSize), padding];
  const slim = Buffer.concat([...content, ...kept, names]);
  slim.writeBigUInt64LE(BigInt(contentEnd + namesSize + padding.length), 40);
  slim.writeUInt16LE(kept.length + 1, 60);
  slim.writeUInt16LE(kept.length, 62);
  return slim;
}

/**
 * Removes the Authenticode signature, because it would not match the program with a blob. Source: PE Format, "Optional
 * Header Data Directories", entry 4.
 */
function withoutSignature(pe: Buffer): Buffer {
  const header = pe.readUInt32LE(0x3c);
  if (pe.toString('latin1', header, header + 4) !== 'PE\0\0') throw new Error('the program is neither ELF nor PE');
  const entry = header + 24 + 112 + 4 * 8;
  const [offset, size] = [pe.readUInt32LE(entry), pe.readUInt32LE(entry + 4)];
  if (size === 0) return pe;
  if (offset + size !== pe.length) throw new Error('the signature is not at the end of the program');
  const slim = Buffer.from(pe.subarray(0, offset));
  slim.writeBigUInt64LE(0n, entry);
  return slim;
}
