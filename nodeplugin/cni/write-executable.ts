// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Replaces a program, or makes it, so that whoever starts it gets all of the old or all of the new one, also while the
 * old one runs: written beside, then renamed, since a file that is being run cannot be written (ETXTBSY), and one that
 * is being written cannot be run. Everybody may run it (0755). Throws what the system call threw; nothing is left beside
 * it then but by a killed process, whose leftovers removeTemporaryFiles (runtime/atomic-file.ts) knows by their name.
 */
export async function writeExecutable(path: string, content: Uint8Array): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeDurably(temporary, content);
    await rename(temporary, path);
    await using directory = await open(dirname(path), 'r');
    await directory.sync();
  } catch (thrown) {
    await unlink(temporary).catch(() => undefined);
    throw thrown;
  }
}

async function writeDurably(path: string, content: Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', 0o700);
  await file.writeFile(content);
  // Whatever the umask is.
  await file.chmod(0o755);
  await file.sync();
}
