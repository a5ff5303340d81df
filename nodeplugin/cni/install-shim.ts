// SPDX-License-Identifier: Apache-2.0
import { copyFile, lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { removeTemporaryFiles } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { writeExecutable } from './write-executable.ts';

export interface InstallShimOptions {
  /** What `npm run shim` built, for the machine's architecture. */
  readonly binary: string;
  /** Where the container runtime looks for CNI plugins. @example '/opt/cni/bin' */
  readonly directory: string;
  /** Of the node plugin's socket, as it is called on the host. @example '/run/kube-macvtap/cni.sock' */
  readonly socketPath: string;
}

/** `replaced`: another program had the name, macvtap-cni's own for example; it is kept under `keptName`. */
export type ShimInstallation = 'installed' | 'unchanged' | 'replaced';

/** CNI's "type", which is the name of the file; upstream's plugin has the same one. */
const shimName = 'macvtap';

/** No "type" of a network: runtimes take whatever is in the directory for a plugin only by its name. */
export const keptName = 'macvtap.replaced';

/**
 * Puts the CNI plugin's shim where the container runtime looks for it, with the path of the node plugin's socket in it;
 * it is safe while shims run. What a killed one left is removed, so whoever calls this has the state directory's lock.
 * Raises `ShimNotInstalled`.
 */
export async function installShim({ binary, directory, socketPath }: InstallShimOptions): Promise<ShimInstallation> {
  const path = join(directory, shimName);
  const wanted = writePath(await readBinary(binary), socketPath, binary);
  try {
    const found = await readFound(path);
    if (found?.isFit && found.content.equals(wanted)) return 'unchanged';
    const isOthers = found !== undefined && !found.content.includes(marker);
    if (isOthers) await copyFile(path, join(directory, keptName));
    await removeTemporaryFiles(path);
    await writeExecutable(path, wanted);
    return isOthers ? 'replaced' : 'installed';
  } catch (thrown) {
    throw notInstalled(path, directory, thrown as NodeJS.ErrnoException);
  }
}

/** In shim/macvtap.c: `place`, a marker and then as many bytes as sun_path has (linux/un.h), the last of them NUL. */
const marker = 'KMVTPATH';
const pathBytes = 108;

async function readBinary(binary: string): Promise<Buffer> {
  try {
    return await readFile(binary);
  } catch (thrown) {
    throw new MacvtapError(
      'ShimNotInstalled',
      `cannot read the CNI plugin's shim that is to be installed, ${binary}: ${textOf(thrown as NodeJS.ErrnoException)}; ` +
        'build it with npm run shim',
      { facts: { binary }, cause: thrown },
    );
  }
}

/** The shim prints the path inside JSON, and finds the directory of tombstones beside it. */
const goodPath = /^(?:\/[\w.:@+=,~-]+)+$/;

function writePath(program: Buffer, socketPath: string, binary: string): Buffer {
  if (!goodPath.test(socketPath) || socketPath.length >= pathBytes) {
    throw new MacvtapError(
      'ShimNotInstalled',
      `the CNI plugin's shim cannot call a socket at ${JSON.stringify(socketPath)}: name with --cni-socket an absolute ` +
        `path of at most ${pathBytes - 1} letters, digits and -._:@+=,~`,
      { facts: { socketPath } },
    );
  }
  const at = program.indexOf(marker);
  if (at === -1 || at !== program.lastIndexOf(marker) || at + marker.length + pathBytes > program.length) {
    throw new MacvtapError(
      'ShimNotInstalled',
      `${binary} is no shim of the CNI plugin: it has no place for the socket's path, or several; build it anew with npm run shim`,
      { facts: { binary } },
    );
  }
  const patched = Buffer.from(program);
  patched.fill(0, at + marker.length, at + marker.length + pathBytes);
  patched.write(socketPath, at + marker.length, 'latin1');
  return patched;
}

interface Found {
  readonly content: Buffer;
  /** Nobody but root can change what root will run, and everybody can run it. */
  readonly isFit: boolean;
}

async function readFound(path: string): Promise<Found | undefined> {
  try {
    const about = await lstat(path);
    const isFit = about.isFile() && (about.mode & 0o7777) === 0o755 && about.uid === process.getuid?.();
    return { content: await readFile(path), isFit };
  } catch (thrown) {
    // Also a symbolic link that leads nowhere.
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

function notInstalled(path: string, directory: string, thrown: NodeJS.ErrnoException): MacvtapError {
  const { code = 'unknown' } = thrown;
  const text = `cannot install the CNI plugin as ${path}: ${textOf(thrown)}; ${nextStep(code, path, directory)}`;
  return new MacvtapError('ShimNotInstalled', text, { facts: { path, errno: code }, cause: thrown });
}

function nextStep(code: string, path: string, directory: string): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `name with --cni-bin-dir the directory of the container runtime's CNI plugins, and mount it there, if ${directory} is not it`;
    case 'EROFS':
      return `mount ${directory} writable`;
    case 'EACCES':
    case 'EPERM':
      return `let user ${process.getuid?.()} write in ${directory}`;
    case 'EISDIR':
      return `remove the directory ${path}`;
    case 'ENOSPC':
    case 'EDQUOT':
      return `free some space on the file system of ${directory}`;
    default:
      return `see what is wrong with the file system of ${directory}`;
  }
}

function textOf({ errno, code, message }: NodeJS.ErrnoException): string {
  return errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
}
