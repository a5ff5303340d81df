// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';

/**
 * What is read of a path that tells of taps. Raises `TapNodeUnreadable`.
 *
 * Not through the thread pool: sysfs, procfs and /dev are memory, and a trip there takes longer than the reading.
 */
export function readTapFile<T>(path: string, read: (path: string) => T): T {
  try {
    return read(path);
  } catch (thrown) {
    const { message } = thrown as NodeJS.ErrnoException;
    throw new MacvtapError(
      'TapNodeUnreadable',
      `cannot read ${path}: ${message}; mount /sys and /dev into the container`,
      { cause: thrown, facts: { path } },
    );
  }
}

/** The same, and undefined for what is not there, or went away. */
export function absentWhenMissing<T>(path: string, read: (path: string) => T): T | undefined {
  return readTapFile(path, () => {
    try {
      return read(path);
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException;
      // ENODEV: the link went away between open and read.
      if (code === 'ENOENT' || code === 'ENODEV') return undefined;
      throw thrown;
    }
  });
}
