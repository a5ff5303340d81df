// SPDX-License-Identifier: Apache-2.0
import { cp, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

interface CopyOptions {
  /** The `node_modules` that koffi was installed in. */
  readonly modules: string;
  /** Gets a `node_modules` with what of koffi is needed. */
  readonly folder: string;
  readonly architecture: NodeJS.Architecture;
}

/** What `import 'koffi'` loads; the rest of the package is for those who compile it. */
const koffiFiles = ['package.json', 'index.js', 'src/koffi/index.js', 'src/koffi/src/static.js'];

/**
 * Copies koffi with its native part for Linux on one architecture, for glibc alone: the package brings another for musl.
 * Returns what was copied.
 */
export async function copyKoffi({ modules, folder, architecture }: CopyOptions): Promise<readonly string[]> {
  const native = `@koromix/koffi-linux-${architecture}`;
  const nativeFiles = ['package.json', 'index.js', `linux_${architecture}/koffi.node`];
  const files = [...koffiFiles.map((file) => `koffi/${file}`), ...nativeFiles.map((file) => `${native}/${file}`)];
  for (const file of files) {
    const target = join(folder, 'node_modules', file);
    await mkdir(dirname(target), { recursive: true });
    await cp(join(modules, file), target).catch((cause: unknown) => {
      const advice = `npm ci --omit=dev --os=linux --cpu=${architecture}`;
      throw new Error(`${modules} lacks ${file}: install it there with ${advice}`, { cause });
    });
  }
  return files.map((file) => join(modules, file));
}
