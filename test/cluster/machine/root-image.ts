// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForLock } from '../../binaries/wait-for-lock.ts';
import { assertSpace, assertTools } from './requirements.ts';
import { layRoot } from './root-file-system.ts';

/** The files from which machines start. No machine writes to them. */
export interface RootImage {
  readonly kernel: string;
  readonly initramfs: string;
  /** A file system of Debian, with a kernel's modules. */
  readonly disk: string;
}

export interface RootImageOptions {
  /** The folder for images. */
  readonly folder?: string;
  /** Called with each line of progress. */
  readonly print: (line: string) => void;
  /** Builds the files to which `image` has the paths, with `work` for temporary files. Returns the kernel's release. */
  readonly lay?: (image: RootImage, work: string) => Promise<string>;
}

/** The folder in which root images are kept between runs. git ignores it. */
export const cacheFolder = fileURLToPath(new URL('../../../.cache/machine-nodes', import.meta.url));

/** The folder of an image that is being built. At the start of a build, it is left from a killed one. */
const unfinished = '.unfinished';

/** The package lists, the unpacked root and the finished image together need about 1.7 GB. */
const spaceBytes = 2.5e9;

/** Covers all inputs except Debian's packages, whose newest versions are always good enough. */
const digest = createHash('sha256')
  .update(JSON.stringify(['root-file-system.ts', 'init.sh', '../../machines/encode-cpio.ts'].map(read)))
  .digest('hex')
  .slice(0, 12);

/**
 * Builds the image from which machines start, unless it was built before. It is put in place by a rename, so it is
 * always complete. Concurrent calls build it once. A killed build leaves nothing that later builds would use.
 */
export async function ensureRootImage(options: RootImageOptions): Promise<RootImage> {
  const { folder = cacheFolder, print, lay = layRoot } = options;
  await mkdir(folder, { recursive: true });
  await using _lock = await waitForLock(folder, print);
  const built = findRootImage(folder);
  if (built !== undefined) {
    print(`${basename(built.disk)} of machines: built before`);
    return built;
  }
  assertTools();
  await assertSpace(folder, spaceBytes, 'the root image of machines');
  const work = join(folder, unfinished);
  await rm(work, { recursive: true, force: true });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(work, { recursive: true, force: true }));
  const made = join(work, 'image');
  await mkdir(made, { recursive: true });
  print("the root image of machines: fetching Debian's packages");
  const started = performance.now();
  const release = await lay(imageIn(made), work);
  const path = join(folder, `${release}_${digest}`);
  await rename(made, path);
  print(`the root image of machines: ${path} in ${Math.round((performance.now() - started) / 1_000)} s`);
  return imageIn(path);
}

/** Returns the image that was built from the current inputs. */
function findRootImage(folder: string): RootImage | undefined {
  const name = readdirSync(folder).find((one) => one.endsWith(`_${digest}`));
  return name === undefined ? undefined : imageIn(join(folder, name));
}

function imageIn(folder: string): RootImage {
  return { kernel: join(folder, 'kernel'), initramfs: join(folder, 'initramfs'), disk: join(folder, 'root.img') };
}

function read(file: string): string {
  return readFileSync(new URL(file, import.meta.url), 'utf8');
}
