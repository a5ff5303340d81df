// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { emulator } from '../../machines/needs-machines.ts';

/** Programs that a machine needs on this one, and their Debian packages. */
const tools = {
  [emulator]: 'qemu-system-x86',
  debootstrap: 'debootstrap',
  mke2fs: 'e2fsprogs',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
} as const;

/** Raises an error with the command that installs what is missing. */
export function assertTools(path = process.env.PATH ?? ''): void {
  const folders = path.split(delimiter);
  const missing = Object.entries(tools).filter(([name]) => !folders.some((one) => existsSync(join(one, name))));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(' ');
  const names = missing.map(([name]) => name).join(', ');
  throw new Error(`a machine needs ${names}: apt-get install --no-install-recommends ${packages}`);
}

/** Raises an error if a folder's disk has fewer free bytes than `bytes`. */
export async function assertSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw new Error(
    `${what} needs ${gigabytes(bytes)} GB, and ${folder} has ${gigabytes(free)} GB left: free some space`,
  );
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}
