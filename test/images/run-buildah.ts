// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { startProcess } from '../process/start-process.ts';

/** Runs buildah with a separate storage, so that the user's images are not touched. */
export interface Buildah {
  /** Runs buildah until it ends, and returns its output. Raises with the output if it fails. */
  run(...args: readonly string[]): Promise<string>;
  /** Does the same as `run`, and calls `onLine` with each line as it arrives. */
  follow(onLine: (line: string) => void, ...args: readonly string[]): Promise<string>;
}

/** How many lines of buildah's output an error repeats. */
const repeatedLines = 40;

/**
 * Opens buildah with its storage in the folder. The vfs driver copies every layer, and has no requirements for the
 * underlying file system. With chroot, a build needs only the privileges of a container that runs tests.
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
    // env(1), and programs like setpriv, end with this exit code if the program does not exist.
    throw new Error(code === 127 ? `no buildah: apt-get install buildah\n${tail}` : `buildah ${verb} failed:\n${tail}`);
  };
  return { follow, run: (...args) => follow(() => {}, ...args) };
}
