// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { open, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import { MacvtapError } from './errors.ts';
import { faultPoint } from './fault-points.ts';

/**
 * Writes a file atomically and durably. At every moment, even after a crash, the file has either the complete old
 * content or the complete new content. Resolves when the new content is on the disk. Only the file's owner may read it
 * (0600).
 *
 * On failure, raises FileNotWritten and leaves no temporary file. If the last step fails (fsync of the directory),
 * readers already get the new content, but a crash may restore the old content.
 */
export async function writeFileAtomically(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeDurably(temporary, content, 0o600, () => faultPoint('file-temporary-made'));
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
 * Writes an executable (0755) atomically and durably, even while the old one is running. The file is replaced by a
 * rename, because a running program cannot be written (ETXTBSY). On failure, throws the error of the system call and
 * leaves no temporary file.
 */
export async function writeExecutable(path: string, content: Uint8Array): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeDurably(temporary, content, 0o755);
    await rename(temporary, path);
    await syncDirectory(dirname(path));
  } catch (thrown) {
    await unlink(temporary).catch(() => undefined);
    throw thrown;
  }
}

/**
 * Writes a file atomically but not durably. A reader gets either the complete old content or the complete new content,
 * but a crash of the machine may lose both. Use this for files that are written again if they are missing. All users
 * may read the file (0644). On failure, raises FileNotWritten and leaves no temporary file.
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
 * Removes the temporary files that killed writers of this file left in its directory, and returns their names. The
 * caller must be the file's only writer. Files that cannot be removed are ignored, because they only take space.
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

/** Converts the error of a system call to FileNotWritten, with the path, the system's message and the next step. */
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

/** The length of the random part in bytes. With 48 bits, two writers are very unlikely to choose the same name. */
const randomLength = 6;
const random = /^[0-9a-f]{12}$/;

async function writeDurably(
  path: string,
  content: string | Uint8Array,
  mode: number,
  onCreated: () => void = () => undefined,
): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  onCreated();
  await file.writeFile(content);
  // Set the mode explicitly, because the umask affects the mode of `open`.
  await file.chmod(mode);
  // Sync before the rename: ext4 and XFS may write the rename to the disk before the blocks of the renamed file.
  await file.sync();
}

/**
 * Writes a rename to the disk. A rename changes the directory, and fsync of the file does not include that (fsync(2)).
 */
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
      return `create the directory ${directory} again`;
    default:
      return `check the file system of ${directory}`;
  }
}
