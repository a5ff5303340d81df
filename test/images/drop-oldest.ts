// SPDX-License-Identifier: Apache-2.0
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Removes files of a folder whose names begin with the prefix. The `kept` most recently changed files stay. */
export async function dropOldest(folder: string, prefix: string, kept: number): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(prefix));
  const aged = await Promise.all(
    names.map(async (name) => ({ name, mtimeMs: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = aged.toSorted((one, other) => other.mtimeMs - one.mtimeMs).slice(kept);
  await Promise.all(old.map(({ name }) => rm(join(folder, name), { force: true })));
}
