// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';

/**
 * Makes a directory for its owner alone, if it is missing; what it lies in must be there. Not by mkdir's own recursion,
 * which never ends where the kernel says ENOENT for a directory that nobody can make (libuv's mkdirp, below /proc).
 */
export async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code !== 'EEXIST') throw thrown;
  });
}
