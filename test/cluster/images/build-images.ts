// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtempDisposable, rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForLock } from '../../binaries/wait-for-lock.ts';
import { fetchPackage } from '../../machines/fetch-packages.ts';
import { pauseImage } from '../configs/containerd-config.ts';
import { run } from '../run.ts';
import { type ImageContent, writeImageArchive } from './write-image-archive.ts';

/** A shell and what goes with it: ping, ip, wget, httpd. */
export const busyboxImage = 'localhost/busybox:1';

/** An image in a file. */
export interface ImageArchive {
  readonly name: string;
  readonly path: string;
}

const cacheFolder = fileURLToPath(new URL('../../../.cache/cluster-images', import.meta.url));
const pauseSource = fileURLToPath(new URL('pause.c', import.meta.url));

/** Each lays the image's root out in a folder. */
const recipes: readonly (Omit<ImageContent, 'root'> & { readonly lay: (root: string) => Promise<void> })[] = [
  {
    name: pauseImage,
    entrypoint: ['/pause'],
    lay: async (root) => void (await run('gcc', '-static', '-Os', '-s', '-o', join(root, 'pause'), pauseSource)),
  },
  { name: busyboxImage, entrypoint: ['/bin/sh'], lay: layBusybox },
];

/** Covers the inputs of the images; any version of Debian's package is good enough. */
const digest = createHash('sha256')
  .update(readFileSync(pauseSource))
  .update(readFileSync(new URL('write-image-archive.ts', import.meta.url)))
  .update(readFileSync(import.meta.filename))
  .digest('hex')
  .slice(0, 12);

/** The images that every node has. */
export const baseImages: readonly ImageArchive[] = recipes.map(({ name }) => ({
  name,
  path: join(cacheFolder, `${name.replaceAll(/[/:]/g, '-')}-${digest}.tar`),
}));

/** Builds those that are not there yet: pause with the C compiler, busybox from Debian's mirror. */
export async function buildImages(print: (line: string) => void): Promise<void> {
  await mkdir(cacheFolder, { recursive: true });
  await using _lock = await waitForLock(cacheFolder, print);
  for (const [at, { lay, ...image }] of recipes.entries()) {
    const { path } = baseImages[at] as ImageArchive;
    if (existsSync(path)) continue;
    await using root = await mkdtempDisposable(join(cacheFolder, '.root-'));
    await lay(root.path);
    await writeImageArchive(`${path}.unfinished`, { ...image, root: root.path });
    await rename(`${path}.unfinished`, path);
  }
}

async function layBusybox(root: string): Promise<void> {
  await using download = await mkdtempDisposable(join(cacheFolder, '.package-'));
  const unpacked = await fetchPackage(download.path, 'busybox-static');
  const program = join(unpacked.path, 'bin/busybox');
  for (const folder of ['bin', 'tmp', 'etc']) await mkdir(join(root, folder));
  await copyFile(program, join(root, 'bin/busybox'));
  const applets = (await run(program, '--list')).split('\n').filter((name) => name !== '' && name !== 'busybox');
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
}
