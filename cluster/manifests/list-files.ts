// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A manifest file as it is listed; `stamp` differs whenever the content may. */
export interface ListedFile {
  readonly name: string;
  readonly path: string;
  readonly stamp: string;
  readonly bytes: number;
}

/**
 * The manifests of a directory, by name. Links are followed, as a mounted config map wants it; dot files, which editors
 * and such mounts keep beside, are not read. A file that vanishes meanwhile is left out.
 */
export async function listFiles(directory: string): Promise<readonly ListedFile[]> {
  const names = (await readdir(directory)).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort();
  const files = await Promise.all(names.map((name) => listFile(name, join(directory, name))));
  return files.filter((file) => file !== undefined);
}

/** The inode and the time of the last change tell a rewrite that kept the size within the clock's grain. */
async function listFile(name: string, path: string): Promise<ListedFile | undefined> {
  try {
    const info = await stat(path, { bigint: true });
    if (!info.isFile()) return undefined;
    return { name, path, stamp: `${info.ino}:${info.size}:${info.mtimeNs}:${info.ctimeNs}`, bytes: Number(info.size) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
