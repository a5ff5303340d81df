// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { startProcess } from '../process/start-process.ts';

/** buildah on a storage of its own, so that nothing of a person's is touched. */
export interface Buildah {
  /** Runs it to its end and returns what it printed; raises with that when it fails. */
  run(...args: readonly string[]): Promise<string>;
  /** The same, and each line is told as it comes. */
  follow(onLine: (line: string) => void, ...args: readonly string[]): Promise<string>;
}

/** How much of what buildah printed an error repeats. */
const repeatedLines = 40;

/**
 * The folder gets the storage. vfs copies every layer, and needs nothing of the file system below; with chroot a build
 * needs no more of the kernel than this, which is what a container that runs tests has.
 */
export function openBuildah(folder: string): Buildah {
  const follow = async (onLine: (line: string) => void, ...args: readonly string[]) => {
    const [verb = ''] = args;
    const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
    await using running = startProcess({
      name: `buildah ${verb}`,
      command: ['buildah', ...storage, ...args],
      environment: { BUILDAH_ISOLATION: 'chroot', STORAGE_DRIVER: 'vfs', LC_ALL: 'C' },
      onLine,
    });
    const { code } = await running.exit;
    if (code === 0) return running.output.trim();
    const tail = running.output.split('\n').slice(-repeatedLines).join('\n');
    // What env(1), and setpriv like it, answer where there is no such program.
    throw new Error(code === 127 ? `no buildah: apt-get install buildah\n${tail}` : `buildah ${verb} failed:\n${tail}`);
  };
  return { follow, run: (...args) => follow(() => {}, ...args) };
}
