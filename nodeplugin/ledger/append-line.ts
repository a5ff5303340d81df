// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, ftruncate, openSync, statSync, write } from 'node:fs';
import { promisify } from 'node:util';

/** A file as its only writer left it. */
export interface KnownFile {
  readonly inode: number;
  readonly size: number;
}

const [writeOnce, truncateTo] = [promisify(write), promisify(ftruncate)];

/** The file as it is now; undefined when there is none. */
export function lookAtFile(path: string): KnownFile | undefined {
  const about = statSync(path, { throwIfNoEntry: false });
  return about && { inode: about.ino, size: about.size };
}

/**
 * Appends a line to a file and returns the file as it is when the line is on the disk: one write that waits for it
 * (O_DSYNC), where a new file in the place of the old one takes two. Undefined, with nothing appended, when somebody
 * replaced or changed the file since, and when it cannot be written; then the caller writes it anew, and hears why not.
 */
export async function appendLine(path: string, known: KnownFile, line: string): Promise<KnownFile | undefined> {
  const fd = openKnown(path, known);
  if (fd === undefined) return undefined;
  try {
    const bytes = Buffer.from(line);
    const { bytesWritten } = await writeOnce(fd, bytes, 0, bytes.length, null);
    if (bytesWritten === bytes.length) return { ...known, size: known.size + bytesWritten };
    throw new Error(`${bytesWritten} of ${bytes.length} bytes were written`);
  } catch {
    // A part of it, or all of it in memory and not on the disk.
    await truncateTo(fd, known.size).catch(() => undefined);
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Not through the thread pool: the kernel has file and directory in memory, and a trip there takes longer. */
function openKnown(path: string, { inode, size }: KnownFile): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_DSYNC | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  const about = fstatSync(fd);
  if (about.ino === inode && about.size === size) return fd;
  closeSync(fd);
  return undefined;
}
