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
  /** Where archives and buildah's storage go. */
  readonly folder?: string;
  /** Told what happens, a line at a time. */
  readonly print?: (line: string) => void;
}

/** Where images are kept between runs; git ignores it. */
export const cacheFolder = fileURLToPath(new URL('../../.cache/images', import.meta.url));

/** Where an archive is while it is written. */
const unfinished = '.unfinished';

/** As many archives of a kind as are kept, the last used ones: each has Node.js in it. */
const keptArchives = 4;

/** @example 'localhost/kube-macvtap-node:0.1.0' */
export function imageName(kind: ImageKind, { version }: Pick<ImageInputs, 'version'>): string {
  return `localhost/kube-macvtap-${kind}:${version}`;
}

/**
 * Builds the images of the working tree, unless these very ones were built before, and returns their docker archives, which
 * hold them under their names: `ctr images import` takes them. Two at once build each once; a killed one leaves nothing
 * that counts.
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
  // What a killed build left: containers and images without a name are made for a build alone.
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

/** Puts the seconds since now before each line. */
function timed(print: (line: string) => void): (line: string) => void {
  const started = performance.now();
  return (line) => print(`${Math.round((performance.now() - started) / 1_000)} s  ${line}`);
}
