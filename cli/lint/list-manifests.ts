// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The manifests of a directory and of those below it, by path; what cannot be listed stands among them, for reading it
 * tells why. Hidden entries and node_modules are passed over, and links are followed to files alone, so that no loop of
 * links is walked.
 */
export async function listManifests(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [directory];
  const paths = entries
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .sort((left, right) => (left.name < right.name ? -1 : 1))
    .map((entry) => {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) return listManifests(path);
      return /\.(ya?ml|json)$/.test(entry.name) ? keepFile(path) : [];
    });
  return (await Promise.all(paths)).flat();
}

/** Not a pipe, which might never end. A link to nothing is kept, for reading it tells so. */
async function keepFile(path: string): Promise<readonly string[]> {
  const isFile = await stat(path).then(
    (info) => info.isFile(),
    () => true,
  );
  return isFile ? [path] : [];
}
