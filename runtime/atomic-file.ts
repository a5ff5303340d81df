// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { MacvtapError } from './errors.ts';
import { faultPoint } from './fault-point.ts';

/**
 * Replaces a file, or makes it, so that at every moment, also after a crash, it holds either all of the old or all of
 * the new content. Resolves when the new content is on the disk. The file is its owner's alone (0600). Raises
 * FileNotWritten; no temporary file is left then. Should the very last step fail (the directory's fsync), the new
 * content can be read already, though a crash may still bring the old one back.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeDurably(temporary, content);
    faultPoint('file-before-rename');
    await rename(temporary, path);
    faultPoint('file-after-rename');
    await syncDirectory(dirname(path));
  } catch (thrown) {
    await unlink(temporary).catch(() => undefined);
    throw fileNotWritten(path, thrown);
  }
}

/**
 * Replaces a file that is made anew whenever it is missing, so that a reader sees all of the old or all of the new content.
 * It is for everybody to read (0644), and nobody waits for the disk: after a crash of the machine it may be lost. Raises
 * FileNotWritten; no temporary file is left then.
 */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeFile(temporary, content, { flag: 'wx', mode: 0o644 });
    await rename(temporary, path);
  } catch (thrown) {
    await unlink(temporary).catch(() => undefined);
    throw fileNotWritten(path, thrown);
  }
}

/**
 * Removes what killed writers of this file left beside it, and returns the names. Only for a process that knows that
 * nobody else is writing the file. What cannot be removed stays: it harms nobody but the disk.
 */
export async function removeTemporaryFiles(path: string): Promise<readonly string[]> {
  const [start, end] = [`.${basename(path)}.`, '.tmp'];
  const names = await readdir(dirname(path)).catch(() => []);
  const ours = names.filter(
    (name) => name.startsWith(start) && name.endsWith(end) && random.test(name.slice(start.length, -end.length)),
  );
  const removed = await Promise.all(
    ours.map((name) =>
      unlink(join(dirname(path), name)).then(
        () => name,
        () => undefined,
      ),
    ),
  );
  return removed.filter((name) => name !== undefined).sort();
}

/** FileNotWritten for what a system call threw: names the path, the system's own text and what to do about it. */
export function fileNotWritten(path: string, thrown: unknown): MacvtapError {
  const { code = 'unknown', errno, message } = thrown as NodeJS.ErrnoException;
  const text = errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
  return new MacvtapError('FileNotWritten', `cannot write ${path}: ${text}; ${nextStep(code, path)}`, {
    facts: { path, errno: code },
    cause: thrown,
  });
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(randomLength).toString('hex')}.tmp`);
}

/** 48 bits: no two writers meet. */
const randomLength = 6;
const random = /^[0-9a-f]{12}$/;

async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  faultPoint('file-temporary-made');
  await file.writeFile(content);
  // Before the rename: ext4 and XFS may write a rename to the disk before the renamed file's own blocks.
  await file.sync();
}

/** The rename is a change of the directory, and no fsync of the file covers it: fsync(2). */
async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

function nextStep(code: string, path: string): string {
  const directory = dirname(path);
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `free some space on the file system of ${directory}`;
    case 'EROFS':
      return `mount the file system of ${directory} writable`;
    case 'EACCES':
    case 'EPERM':
      return `let user ${process.getuid?.()} write in ${directory}`;
    case 'ENOENT':
    case 'ENOTDIR':
      return `make the directory ${directory} again`;
    default:
      return `see what is wrong with the file system of ${directory}`;
  }
}
