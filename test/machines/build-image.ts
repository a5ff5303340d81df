// SPDX-License-Identifier: Apache-2.0
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { type CpioEntry, encodeCpio } from './encode-cpio.ts';
import { type FetchPackages, fetchPackages, type UnpackedPackage } from './fetch-packages.ts';
import { findImage, type Image, imageIn, imageName, initScript, kernelModules } from './image-folder.ts';

export interface BuildOptions {
  /** Where images go: `.cache/machines`. */
  readonly folder: string;
  /** Gets the progress, a line at a time. */
  readonly print: (line: string) => void;
  /** Debian's, by apt-get. */
  readonly fetch?: FetchPackages;
}

/** Where an image is while it is being built; whatever has this name when a build starts is left of a killed one. */
const unfinished = '.unfinished';

/**
 * Builds the image that test machines start from, if it is not there yet. It appears in its place whole, by a rename.
 * Two at once build it once; a killed one leaves nothing that counts.
 */
export async function buildImage({ folder, print, fetch = fetchPackages }: BuildOptions): Promise<Image> {
  await mkdir(folder, { recursive: true });
  await using _lock = await waitForLock(folder, print);
  const built = findImage(folder);
  if (built !== undefined) {
    print(`${built.initramfs}: built before`);
    return built;
  }
  const work = join(folder, unfinished);
  await rm(work, { recursive: true, force: true });
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rm(work, { recursive: true, force: true }));
  print('fetching a kernel and busybox from the Debian mirror');
  const { kernel, busybox } = await fetch(join(work, 'packages'));
  const release = await kernelRelease(kernel);
  const made = join(work, 'image');
  await mkdir(made);
  await copyFile(join(kernel.path, 'boot', `vmlinuz-${release}`), imageIn(made).kernel);
  await writeFile(imageIn(made).initramfs, encodeCpio(await initramfs(kernel, release, busybox)));
  const target = join(folder, imageName(release, [kernel.version, busybox.version]));
  await rename(made, target);
  print(`${basename(target)}: built`);
  return imageIn(target);
}

/** `6.1.0-56-cloud-amd64`: what the kernel calls itself and its files are named after. */
async function kernelRelease({ path }: UnpackedPackage): Promise<string> {
  const [release, ...more] = await readdir(join(path, 'lib/modules'));
  if (release === undefined || more.length > 0) throw new Error(`${path} holds no kernel, or more than one`);
  return release;
}

async function initramfs(
  kernel: UnpackedPackage,
  release: string,
  busybox: UnpackedPackage,
): Promise<readonly CpioEntry[]> {
  const modules = await readModules(join(kernel.path, 'lib/modules', release, 'kernel'));
  const order = kernelModules.map((name) => `${name}\n`).join('');
  const folders = ['bin', 'dev', 'modules', 'proc', 'sys', 'tmp'];
  return [
    ...folders.map((path) => ({ path, type: 'folder' }) as const),
    // Process 1 starts with it as its input and output, before anything is mounted (drivers/char/tty: 5, 1).
    { path: 'dev/console', type: 'terminal', major: 5, minor: 1 },
    { path: 'bin/busybox', type: 'file', data: await readFile(join(busybox.path, 'bin/busybox')), isProgram: true },
    { path: 'bin/sh', type: 'link', target: 'busybox' },
    { path: 'init', type: 'file', data: initScript, isProgram: true },
    { path: 'modules/order', type: 'file', data: Buffer.from(order) },
    ...modules,
  ];
}

async function readModules(folder: string): Promise<readonly CpioEntry[]> {
  const files = await readdir(folder, { recursive: true });
  return await Promise.all(
    kernelModules.map(async (name) => {
      const file = files.find((one) => basename(one) === `${name}.ko`);
      if (file === undefined) throw new Error(`the kernel's package has no ${name}.ko in ${folder}`);
      return { path: `modules/${name}.ko`, type: 'file', data: await readFile(join(folder, file)) } as const;
    }),
  );
}
