// SPDX-License-Identifier: Apache-2.0
import { constants, type FileHandle, open } from 'node:fs/promises';
import koffi, { type KoffiFunc } from 'koffi';
import { MacvtapError } from '../../runtime/errors.ts';
import { describeErrno, nameErrno } from '../netlink/errno.ts';
import { findLockHolder } from './find-lock-holder.ts';
import { ledgerUnavailable } from './ledger-unavailable.ts';

/**
 * Takes the lock of a directory, which no other process, nor a second call in this one, has until it is disposed.
 * Raises LedgerLocked at once where somebody has it, with their process ID if the kernel tells.
 *
 * It is a flock(2) on the directory itself: the kernel releases it however its holder dies, it leaves no file behind,
 * and it can be taken on a file system that is full or read-only. An abstract unix socket would be released
 * likewise, but belongs to one network namespace, and two that share the directory would not see each other.
 */
export async function lockDirectory(directory: string): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  // Opened with O_CLOEXEC, as libuv does: a child process that lives longer does not keep the lock.
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
    const nextStep = `name a directory that user ${process.getuid?.()} can read`;
    throw ledgerUnavailable(`cannot open the state directory ${directory}`, thrown, nextStep);
  }
}

async function heldBy(directory: string): Promise<MacvtapError> {
  const holder = await findLockHolder(directory);
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command})`;
  return new MacvtapError(
    'LedgerLocked',
    `the ledger in ${directory} is in use by ${who}; stop it, or give this one a state directory of its own`,
    { facts: { directory, ...(holder !== undefined && { holder: holder.pid }) } },
  );
}

function refused(directory: string, errno: number): MacvtapError {
  return new MacvtapError(
    'LedgerUnavailable',
    `cannot lock the state directory ${directory}: ${describeErrno(errno)}; put it on a file system that has flock(2)`,
    { facts: { directory, errno: nameErrno(errno) } },
  );
}
