// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { needsRoot } from '../kernel/network-namespace.ts';
import { cacheFolder, findImage } from './image-folder.ts';

/** Emulates an x86-64 machine in software, on any real machine. */
export const emulator = 'qemu-system-x86_64';

/** Returns the missing requirement of virtual machines, with the command that installs it, or `false`. */
export function findMissing(path = process.env.PATH ?? '', folder = cacheFolder): false | string {
  if (!path.split(delimiter).some((one) => existsSync(join(one, emulator)))) {
    return `needs ${emulator}: apt-get install --no-install-recommends qemu-system-x86`;
  }
  if (findImage(folder) !== undefined) return false;
  return 'needs a kernel and busybox for virtual machines: node test/machines/main.ts, which fetches them by apt-get';
}

/** The `skip` option of tests with virtual machines. */
export const needsMachines: false | string = needsRoot || findMissing();
