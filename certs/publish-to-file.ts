// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BundlePublisher } from './store.ts';

/**
 * Publishes the authorities in a file, for those who are no API server: `curl --cacert <path>`. Two processes that write it
 * at the same moment see that at their next look.
 */
export function publishToFile(path: string): BundlePublisher {
  return {
    async read() {
      const [version, bundle] = [await versionOf(path), await readFile(path, 'utf8').catch(ignoreAbsence)];
      return {
        version,
        bundles: [bundle ?? ''],
        problems: [],
        async replace(text) {
          if ((await versionOf(path)) !== version) return 'conflict';
          await replaceFile(path, text);
          return 'written';
        },
      };
    },
  };
}

async function versionOf(path: string): Promise<string> {
  const found = await stat(path, { bigint: true }).catch(ignoreAbsence);
  return found === undefined ? 'absent' : `${found.ino}.${found.mtimeNs}`;
}

/** Readers find the old text or the new one; after a crash of the machine the next look finds what is missing. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o644, flag: 'wx' });
    await rename(temporary, path);
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw thrown;
  }
}

function ignoreAbsence(thrown: NodeJS.ErrnoException): undefined {
  if (thrown.code !== 'ENOENT') throw thrown;
  return undefined;
}
