// SPDX-License-Identifier: Apache-2.0
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { writeFileAtomically } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { print } from '../output/print.ts';
import type { BundleFile } from './collect-bundle.ts';
import { encodeTar } from './encode-tar.ts';

const compress = promisify(gzip);

/**
 * Writes a bundle, for its owner's eyes alone: into a directory where the path is one or ends in a slash, to standard
 * output for `-`, else as a gzipped archive. Raises FileNotWritten.
 */
export async function writeBundle(files: readonly BundleFile[], path: string, nowMs: number): Promise<void> {
  const isDirectory =
    path.endsWith('/') ||
    (await stat(path).then(
      (info) => info.isDirectory(),
      () => false,
    ));
  if (isDirectory) return await writeDirectory(files, path);
  const entries = files.map(({ name, text }) => ({
    name: `kube-macvtap-support/${name}`.slice(0, 100),
    content: Buffer.from(text),
  }));
  const archive = await compress(encodeTar(entries, nowMs / 1_000));
  if (path === '-') await print(archive);
  else await writeFileAtomically(path, archive);
}

async function writeDirectory(files: readonly BundleFile[], directory: string): Promise<void> {
  try {
    for (const { name, text } of files) {
      const path = join(directory, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, text, { mode: 0o600 });
    }
  } catch (thrown) {
    throw new MacvtapError('FileNotWritten', thrown instanceof Error ? thrown.message : String(thrown), {
      cause: thrown,
    });
  }
}
