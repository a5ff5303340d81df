// SPDX-License-Identifier: Apache-2.0
import { readFile, stat } from 'node:fs/promises';

export interface LockHolder {
  readonly pid: number;
  /** As the kernel shortens it to 15 characters. @example 'node' */
  readonly command: string;
}

/**
 * Who has a flock on a file or directory, as far as the kernel tells: nothing of a process in another PID namespace,
 * nor on file systems whose device number differs from the one that stat shows (btrfs).
 */
export async function findLockHolder(path: string): Promise<LockHolder | undefined> {
  try {
    const { dev, ino } = await stat(path, { bigint: true });
    const pid = parseLockHolder(await readFile('/proc/locks', 'utf8'), dev, ino);
    if (pid === undefined) return undefined;
    return { pid, command: (await readFile(`/proc/${pid}/comm`, 'utf8')).trimEnd() };
  } catch {
    // It is a courtesy, and the holder may end meanwhile.
    return undefined;
  }
}

/**
 * Looks for the holder in the text of /proc/locks (lock_get_status, fs/locks.c), where those who wait for a lock are
 * marked by an arrow:
 *
 * `1: FLOCK  ADVISORY  WRITE 1234 fd:01:131090 0 EOF`
 */
export function parseLockHolder(locks: string, dev: bigint, ino: bigint): number | undefined {
  // glibc's gnu_dev_major and gnu_dev_minor (sys/sysmacros.h), as far as the kernel's 32-bit numbers go.
  const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & 0xfff00n)];
  const hex = (number: bigint) => number.toString(16).padStart(2, '0');
  const file = `${hex(major)}:${hex(minor)}:${ino}`;
  for (const line of locks.split('\n')) {
    const [, pid, of] = /^\d+: FLOCK +ADVISORY +WRITE +(\d+) (\S+) /.exec(line) ?? [];
    // 0 and -1 stand for processes that this PID namespace does not see.
    if (of === file && Number(pid) > 0) return Number(pid);
  }
  return undefined;
}
