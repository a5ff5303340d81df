// SPDX-License-Identifier: Apache-2.0

import { copyFile, lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { removeTemporaryFiles, writeExecutable } from '../../../runtime/atomic-file.ts';
import { MacvtapError } from '../../../runtime/errors.ts';

export interface InstallShimOptions {
  /** The program that `npm run shim` built for the machine's architecture. */
  readonly binary: string;
  /** The container runtime's directory of CNI plugins. @example '/opt/cni/bin' */
  readonly directory: string;
  /** The path of the node plugin's socket on the host. @example '/run/kube-macvtap/cni.sock' */
  readonly socketPath: string;
}

/**
 * The outcome of an installation. `replaced` means that another program, such as macvtap-cni's plugin, had the shim's
 * name. That program is kept under `replacedName`.
 */
export type ShimInstallation = 'installed' | 'unchanged' | 'replaced';

/** The shim's file name. Networks refer to it in their "type". macvtap-cni's plugin has the same name. */
const shimName = 'macvtap';

/** The name under which a replaced plugin is kept. No network has it as its "type", so runtimes never run it. */
export const replacedName = 'macvtap.replaced';

/**
 * Installs the CNI plugin's shim, and writes the path of the node plugin's socket into it. Running shims are not
 * affected. Also removes the temporary files of killed installations. The caller must hold the state directory's lock,
 * so that no other installation is in progress. Raises `ShimNotInstalled`.
 */
export async function installShim({ binary, directory, socketPath }: InstallShimOptions): Promise<ShimInstallation> {
  const path = join(directory, shimName);
  const wanted = writePath(await readBinary(binary), socketPath, binary);
  try {
    const found = await readFound(path);
    if (found?.isFit && found.content.equals(wanted)) return 'unchanged';
    const isOthers = found !== undefined && !found.content.includes(marker);
    if (isOthers) await copyFile(path, join(directory, replacedName));
    await removeTemporaryFiles(path);
    await writeExecutable(path, wanted);
    return isOthers ? 'replaced' : 'installed';
  } catch (thrown) {
    throw notInstalled(path, directory, thrown as NodeJS.ErrnoException);
  }
}

/**
 * The first bytes of `place` in macvtap.c. The socket's path follows, in as many bytes as sun_path has (linux/un.h).
 * The last of these bytes is NUL.
 */
const marker = 'KMVTPATH';
const pathBytes = 108;

async function readBinary(binary: string): Promise<Buffer> {
  try {
    return await readFile(binary);
  } catch (thrown) {
    throw new MacvtapError(
      'ShimNotInstalled',
      `cannot read the CNI plugin's shim to install, ${binary}: ${textOf(thrown as NodeJS.ErrnoException)}; ` +
        'build it with npm run shim',
      { facts: { binary }, cause: thrown },
    );
  }
}

/**
 * The allowed socket paths. The shim prints the path inside JSON, and derives the directory of pending DELs from it.
 */
const goodPath = /^(?:\/[\w.:@+=,~-]+)+$/;

function writePath(program: Buffer, socketPath: string, binary: string): Buffer {
  if (!goodPath.test(socketPath) || socketPath.length >= pathBytes) {
    throw new MacvtapError(
      'ShimNotInstalled',
      `the CNI plugin's shim cannot connect to a socket at ${JSON.stringify(socketPath)}: set --cni-socket to an absolute ` +
        `path of at most ${pathBytes - 1} letters, digits and -._:@+=,~`,
      { facts: { socketPath } },
    );
  }
  const at = program.indexOf(marker);
  if (at === -1 || at !== program.lastIndexOf(marker) || at + marker.length + pathBytes > program.length) {
    throw new MacvtapError(
      'ShimNotInstalled',
      `${binary} is not a shim of the CNI plugin: it has no place for the socket's path, or several; rebuild it with npm run shim`,
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
  /** Whether only root can write the file, and every user can run it. */
  readonly isFit: boolean;
}

async function readFound(path: string): Promise<Found | undefined> {
  try {
    const about = await lstat(path);
    const isFit = about.isFile() && (about.mode & 0o7777) === 0o755 && about.uid === process.getuid?.();
    return { content: await readFile(path), isFit };
  } catch (thrown) {
    // A dangling symbolic link also causes ENOENT.
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
      return `set --cni-bin-dir to the container runtime's directory of CNI plugins (now ${directory}), and mount that directory into the container`;
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
      return `check the file system of ${directory}`;
  }
}

function textOf({ errno, code, message }: NodeJS.ErrnoException): string {
  return errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
}
