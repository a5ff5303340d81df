// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, ftruncate, openSync, statSync, write } from 'node:fs';
import { promisify } from 'node:util';

/** A file as its only writer left it: text, and NULs from `end` on. */
export interface KnownFile {
  readonly inode: number;
  readonly size: number;
  readonly end: number;
}

const [writeOnce, truncateTo] = [promisify(write), promisify(ftruncate)];

/** The file as it is now, with so many bytes of text; undefined when there is none. */
export function lookAtFile(path: string, end: number): KnownFile | undefined {
  const about = statSync(path, { throwIfNoEntry: false });
  return about && { inode: about.ino, size: about.size, end };
}

/**
 * Puts a line in the place of a file's first NULs, and returns the file as it is when the line is on the disk (O_DSYNC).
 * It was made with that room: a line in blocks that it has is one write for the disk, where one that makes the file grow
 * is a transaction of the file system's journal too, and takes several times as long. Undefined, with nothing appended,
 * when there is no room left, when somebody replaced or changed the file since, and when it cannot be written; then the
 * caller writes it anew, and hears why not.
 */
export async function appendLine(path: string, known: KnownFile, line: string): Promise<KnownFile | undefined> {
  const bytes = Buffer.from(line);
  if (known.end + bytes.length > known.size) return undefined;
  const fd = openKnown(path, known);
  if (fd === undefined) return undefined;
  try {
    const { bytesWritten } = await writeOnce(fd, bytes, 0, bytes.length, known.end);
    if (bytesWritten === bytes.length) return { ...known, end: known.end + bytesWritten };
    throw new Error(`${bytesWritten} of ${bytes.length} bytes were written`);
  } catch {
    // A part of it, or all of it in memory and not on the disk.
    await truncateTo(fd, known.end).catch(() => undefined);
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Not through the thread pool: the kernel has file and directory in memory, and a trip there takes longer. */
function openKnown(path: string, { inode, size }: KnownFile): number | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_DSYNC | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
  const about = fstatSync(fd);
  if (about.ino === inode && about.size === size) return fd;
  closeSync(fd);
  return undefined;
}
