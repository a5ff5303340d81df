// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The prefix of folders. The process ID follows it, so that leftovers of a killed test can be distinguished from
 * folders in use.
 */
const prefix = 'kube-macvtap-apiserver-';

/** Makes a temporary folder that is removed with its scope, after removing leftovers of killed tests. */
export async function makeScratchFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  await removeLeftovers();
  const path = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Removes leftovers of killed tests. Only folders can be left: the processes ended with the test (startProcess). */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
