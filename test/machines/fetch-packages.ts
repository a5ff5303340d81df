// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { imagePackages } from './image-folder.ts';
import { runTool } from './run-tool.ts';

/** A Debian package that is unpacked but not installed. */
export interface UnpackedPackage {
  readonly version: string;
  /** The folder with the content for /. */
  readonly path: string;
}

/** The packages of a machine's image. */
export type FetchPackages = (folder: string) => Promise<Readonly<Record<keyof typeof imagePackages, UnpackedPackage>>>;

/**
 * Fetches the newest packages that apt knows, verified with its keys, into a folder. Missing package lists are updated,
 * and so are lists that name packages which the mirror no longer has.
 */
export const fetchPackages: FetchPackages = async (folder) => {
  const fetchAll = async () => ({
    kernel: await fetchKernel(folder, imagePackages.kernel),
    busybox: await fetchPackage(folder, imagePackages.busybox),
  });
  return await fetchAll().catch(async () => {
    await runTool('apt-get', 'update', '-qq');
    await rm(folder, { recursive: true, force: true });
    return await fetchAll();
  });
};

/** Fetches the current kernel, on which a package such as `linux-image-amd64` depends. */
export async function fetchKernel(folder: string, current: string): Promise<UnpackedPackage> {
  const printed = await runTool('apt-cache', 'depends', '--important', current);
  const name = /^ *Depends: (linux-image-\S+)$/m.exec(printed)?.[1];
  if (name === undefined) throw new Error(`${current} depends on no kernel:\n${printed}`);
  return await fetchPackage(folder, name);
}

/** Fetches a package that apt knows into a folder, and unpacks it there. */
export async function fetchPackage(folder: string, name: string): Promise<UnpackedPackage> {
  const download = join(folder, name);
  const path = join(download, 'unpacked');
  await mkdir(path, { recursive: true });
  // With its own user, apt could not write here.
  const options = ['-q', '-o', 'APT::Sandbox::User=root'];
  await runTool('env', '-C', download, 'apt-get', 'download', ...options, name);
  const archive = (await readdir(download)).find((file) => file.endsWith('.deb'));
  if (archive === undefined) throw new Error(`apt-get downloaded no ${name} into ${download}`);
  const file = join(download, archive);
  await runTool('dpkg-deb', '--extract', file, path);
  return { version: (await runTool('dpkg-deb', '--field', file, 'Version')).trim(), path };
}
