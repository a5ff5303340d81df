// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ledgerUnavailable } from './ledger-unavailable.ts';

/** Makes the directory and what it lies in, for their owner alone, where they are missing. Raises LedgerUnavailable. */
export async function makeStateDirectory(directory: string): Promise<void> {
  try {
    await makeMissing(directory);
  } catch (thrown) {
    const nextStep = 'name another one, or make it yourself';
    throw ledgerUnavailable(`cannot make the state directory ${directory}`, thrown, nextStep);
  }
}

/** Not mkdir's own recursion, which tells of a read-only file system that there is no such file (libuv's mkdirp). */
async function makeMissing(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw thrown;
    await makeMissing(dirname(directory));
    await mkdir(directory, { mode: 0o700 });
  }
}
