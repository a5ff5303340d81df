// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { needsRoot } from '../kernel/network-namespace.ts';
import { cacheFolder, findImage } from './image-folder.ts';

/** An x86-64 machine in software, whatever the real one is. */
export const emulator = 'qemu-system-x86_64';

/** What virtual machines lack to be started: `false`, or that and the command that brings it. */
export function findMissing(path = process.env.PATH ?? '', folder = cacheFolder): false | string {
  if (!path.split(delimiter).some((one) => existsSync(join(one, emulator)))) {
    return `needs ${emulator}: apt-get install --no-install-recommends qemu-system-x86`;
  }
  if (findImage(folder) !== undefined) return false;
  return 'needs a kernel and busybox for virtual machines: node test/machines/main.ts, which fetches them by apt-get';
}

/** What tests with virtual machines give as `skip`. */
export const needsMachines: false | string = needsRoot || findMissing();
