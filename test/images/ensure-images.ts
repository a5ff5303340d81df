// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { ensureBases } from './base-images.ts';
import { buildImage } from './build-image.ts';
import { dropOldest } from './drop-oldest.ts';
import { type ImageInputs, type ImageKind, imageKinds, readInputs } from './image-inputs.ts';
import { openBuildah } from './run-buildah.ts';
import { writeArchive } from './write-archive.ts';

export interface EnsureOptions {
  /** The folder for archives and buildah's storage. */
  readonly folder?: string;
  /** Called with each line of progress. */
  readonly print?: (line: string) => void;
}

/** The folder in which images are kept between runs. git ignores it. */
export const cacheFolder = fileURLToPath(new URL('../../.cache/images', import.meta.url));

/** The name of an archive while it is being written. */
const unfinished = '.unfinished';

/** How many archives of each kind are kept, most recently used first. Each is large, because it contains Node.js. */
const keptArchives = 4;

/** @example 'localhost/kube-macvtap-node:0.1.0' */
export function imageName(kind: ImageKind, { version }: Pick<ImageInputs, 'version'>): string {
  return `localhost/kube-macvtap-${kind}:${version}`;
}

/**
 * Builds the images of the working tree, unless the same images were built before. Returns their docker archives, which
 * contain the images under their names and can be imported with `ctr images import`. Concurrent calls build each image
 * once. A killed build leaves nothing that later builds would use.
 */
export async function ensureImages(options: EnsureOptions = {}): Promise<Readonly<Record<ImageKind, string>>> {
  const { folder = cacheFolder, print = (line) => console.error(line) } = options;
  await mkdir(folder, { recursive: true });
  await using _lock = await waitForLock(folder, print);
  const paths: Partial<Record<ImageKind, string>> = {};
  for (const kind of imageKinds) paths[kind] = await ensureImage(kind, folder, timed(print));
  return paths as Record<ImageKind, string>;
}

async function ensureImage(kind: ImageKind, folder: string, print: (line: string) => void): Promise<string> {
  const inputs = await readInputs(kind);
  const buildah = openBuildah(folder);
  const bases = await ensureBases(buildah, print);
  const path = join(folder, `kube-macvtap-${kind}-${inputs.version}-${inputs.digest}-${bases.runDigest}.tar`);
  if (existsSync(path)) {
    print(`${kind}: built before`);
    await utimes(path, new Date(), new Date());
    return path;
  }
  // Removes what a killed build left: containers and unnamed images, which only builds make.
  await buildah.run('rm', '--all');
  await buildah.run('rmi', '--prune');
  const name = imageName(kind, inputs);
  await buildImage({ buildah, kind, inputs, bases, name, print });
  const archive = join(folder, unfinished);
  await writeArchive(buildah, name, archive);
  await rename(archive, path);
  await dropOldest(folder, `kube-macvtap-${kind}-`, keptArchives);
  print(`${kind}: ${path}`);
  return path;
}

/** Returns a function that prints each line with the seconds that have passed. */
function timed(print: (line: string) => void): (line: string) => void {
  const started = performance.now();
  return (line) => print(`${Math.round((performance.now() - started) / 1_000)} s  ${line}`);
}
