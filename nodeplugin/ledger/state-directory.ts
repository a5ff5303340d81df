// SPDX-License-Identifier: Apache-2.0

import { constants, type FileHandle, mkdir, open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { getSystemErrorMessage } from 'node:util';
import koffi, { type KoffiFunc } from 'koffi';
import { removeTemporaryFiles, writeFileAtomically } from '../../runtime/atomic-file.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/libc.ts';

/** Creates the directory and its missing parents, accessible only to their owner (0700). Raises LedgerUnavailable. */
export async function makeStateDirectory(directory: string): Promise<void> {
  try {
    await makeMissing(directory);
  } catch (thrown) {
    const nextStep = 'choose another one with --state-dir, or create it yourself';
    throw ledgerUnavailable(`cannot create the state directory ${directory}`, thrown, nextStep);
  }
}

/**
 * Creates missing directories. mkdir's option `recursive` is not used, because it would report a read-only file system
 * as ENOENT (libuv's mkdirp).
 */
async function makeMissing(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT') throw thrown;
    await makeMissing(dirname(directory));
    await mkdir(directory, { mode: 0o700 });
  }
}

/**
 * Locks a directory until disposed, against other processes and against a second call in this process. If the directory
 * is already locked, raises LedgerLocked immediately. The error contains the ID of the process that holds the lock, if
 * the kernel shows it.
 *
 * The lock is a flock(2) on the directory. The kernel releases the lock when its holder ends. The lock creates no file,
 * and works on a full or read-only file system. An abstract unix socket would not be sufficient, because it belongs to
 * one network namespace. A process in another namespace could use the directory at the same time.
 */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  // libuv opens files with O_CLOEXEC, so a child process that outlives this process does not keep the lock.
  const handle = stack.use(await openDirectory(directory));
  if (flock(handle.fd, lockExclusive | lockNonBlocking) !== 0) {
    const errno = koffi.errno();
    throw nameErrno(errno) === 'EAGAIN' ? await heldBy(directory) : refused(directory, errno);
  }
  return stack.move();
}

/** LOCK_EX and LOCK_NB of asm-generic/fcntl.h. */
const lockExclusive = 2;
const lockNonBlocking = 4;

const flock = koffi.load('libc.so.6').func('int flock(int fd, int operation)') as KoffiFunc<
  (fd: number, operation: number) => number
>;

async function openDirectory(directory: string): Promise<FileHandle> {
  try {
    return await open(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (thrown) {
    const nextStep = `choose a directory that user ${process.getuid?.()} can read`;
    throw ledgerUnavailable(`cannot open the state directory ${directory}`, thrown, nextStep);
  }
}

async function heldBy(directory: string): Promise<MacvtapError> {
  const holder = await findLockHolder(directory);
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`;
  return new MacvtapError(
    'LedgerLocked',
    `the ledger in ${directory} is in use by ${who}; stop it, or choose another directory with --state-dir`,
    { facts: { directory, ...(holder !== undefined && { holder: holder.pid }) } },
  );
}

function refused(directory: string, errno: number): MacvtapError {
  return new MacvtapError(
    'LedgerUnavailable',
    `cannot lock the state directory ${directory}: ${describeErrno(errno)}; put it on a file system that supports flock(2)`,
    { facts: { directory, errno: nameErrno(errno) } },
  );
}

export interface LockHolder {
  readonly pid: number;
  /** The command, which the kernel truncates to 15 characters. @example 'node' */
  readonly command: string;
}

/**
 * Finds the process that holds a flock on a file or directory. Returns undefined if the kernel does not show the
 * process. The kernel does not show a process in another PID namespace. On btrfs, the process cannot be found, because
 * /proc/locks has another device number than stat.
 */
export async function findLockHolder(path: string): Promise<LockHolder | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    const pid = parseLockHolder(await readFile('/proc/locks', 'utf8'), dev, ino);
    if (pid === undefined) return undefined;
    return { pid, command: (await readFile(`/proc/${pid}/comm`, 'utf8')).trimEnd() };
  } catch {
    // The holder may have ended in the meantime. The error message then does not name the holder.
    return undefined;
  }
}

/**
 * Finds the holder in the text of /proc/locks (lock_get_status, fs/locks.c). Lines of waiting processes contain an
 * arrow and do not match. The holder's line looks like this:
 *
 * `1: FLOCK  ADVISORY  WRITE 1234 fd:01:131090 0 EOF`
 */
export function parseLockHolder(locks: string, dev: bigint, ino: bigint): number | undefined {
  // Like glibc's gnu_dev_major and gnu_dev_minor (sys/sysmacros.h), limited to the kernel's 32-bit numbers.
  const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)];
  const hex = (number: bigint) => number.toString(16).padStart(2, '0');
  const file = `${hex(major)}:${hex(minor)}:${ino}`;
  for (const line of locks.split('\n')) {
    const [, pid, of] = /^\d+: FLOCK +ADVISORY +WRITE +(\d+) (\S+) /.exec(line) ?? [];
    // The kernel shows 0 or -1 for processes outside of this PID namespace.
    if (of === file && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}

/** A fact that stays recorded in the state directory. */
export interface Marker {
  readonly isSet: boolean;
  /** Resolves when the fact is durable. Does nothing if it is set. Raises `FileNotWritten`. */
  set(): Promise<void>;
}

/** Opens the marker with this path. It is set if its file exists, or if that cannot be determined. */
export async function openMarker(path: string): Promise<Marker> {
  let isSet = await stat(path).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'ENOENT',
  );
  return {
    get isSet() {
      return isSet;
    },
    async set() {
      if (isSet) return;
      await removeTemporaryFiles(path);
      await writeFileAtomically(path, '');
      isSet = true;
    },
  };
}

/**
 * Converts the error of a system call to LedgerUnavailable.
 *
 * @example 'cannot read the ledger /x: permission denied (EACCES); …'
 */
export function ledgerUnavailable(operation: string, thrown: unknown, nextStep: string): MacvtapError {
  const { code = 'unknown', errno, message, path } = thrown as NodeJS.ErrnoException;
  const text = errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`;
  return new MacvtapError('LedgerUnavailable', `${operation}: ${text}; ${nextStep}`, {
    facts: { path, errno: code },
    cause: thrown,
  });
}
