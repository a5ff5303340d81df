// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { isRunning, type ProcessRecord, recordProcess } from '../cluster/process-record.ts';

/** The record of a process that uses something which exists only once on a machine. */
interface ClaimRecord extends ProcessRecord {
  /** @example 'npm run cluster -- up' */
  readonly what: string;
  /** The start of the claim, in ISO 8601. */
  readonly since: string;
  /** Whether the results of the process are still wanted after it has ended. */
  readonly isKept: boolean;
}

export interface ClaimOptions {
  /**
   * The folder of the claim. It is outside of the claimed folder, which may be removed as a whole. @example
   * '/tmp/kube-macvtap-cluster.claim'
   */
  readonly folder: string;
  readonly what: string;
  /** Names the claimed thing in a message. @example 'the test cluster' */
  readonly claimed: string;
  /** The command that ends a kept claim. @example 'npm run cluster -- down' */
  readonly remedy: string;
  /** Whether to take a kept claim whose process has ended. The claim of a running process is never taken. */
  readonly takesKept: boolean;
  /** The process that owns the claim, if it is not this one. For example, all files of a test run share one claim. */
  readonly pid?: number;
}

/** Something on this machine that only the holder of the claim uses. */
export interface Claim {
  /** Keeps the claim after the process has ended, until a call with `takesKept` takes it over. */
  keep(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Claims something that exists only once on a machine. If it is in use, rejects at once. The error names what uses it,
 * the process, and the start of that claim. A claim ends when its process ends in any way, unless the claim was kept.
 */
export async function takeClaim(options: ClaimOptions): Promise<Claim> {
  const { folder, what, takesKept, pid = process.pid } = options;
  const file = join(folder, 'claim.json');
  const mine = { ...recordProcess(pid), what };
  const write = async (isKept: boolean, since: string) =>
    await writeFile(file, JSON.stringify({ ...mine, since, isKept } satisfies ClaimRecord));
  await using _lock = await lockFolder(folder);
  const found = await read(file);
  if (found !== undefined && !isSame(found, mine)) {
    if (isRunning(found)) throw new Error(inUse(options, found));
    if (found.isKept && !takesKept) throw new Error(kept(options, found));
  }
  const since = found !== undefined && isSame(found, mine) ? found.since : new Date().toISOString();
  await write(false, since);
  return {
    keep: () => write(true, since),
    async release() {
      await using _lock = await lockFolder(folder);
      await rm(file, { force: true });
      await rmdir(folder);
    },
  };
}

/**
 * Creates and locks the folder. If another process removes the folder before it is locked, tries again.
 */
async function lockFolder(folder: string): Promise<AsyncDisposable> {
  for (;;) {
    await mkdir(folder, { recursive: true });
    const before = await stat(folder).catch(() => undefined);
    const lock = await waitForLock(folder, () => {}).catch((thrown) => {
      if (existsSync(folder)) throw thrown;
    });
    const after = await stat(folder).catch(() => undefined);
    if (lock !== undefined && before !== undefined && before.ino === after?.ino) return lock;
    await lock?.[Symbol.asyncDispose]();
  }
}

function inUse({ claimed }: ClaimOptions, { what, pid, since }: ClaimRecord): string {
  return `${claimed} is in use by ${what}, process ${pid}, since ${since}: wait until it has ended, or end it`;
}

function kept({ claimed, remedy }: ClaimOptions, { what, pid, since }: ClaimRecord): string {
  return `${claimed} is up: ${what} kept it (process ${pid}, which has ended, at ${since}). ${remedy} ends it`;
}

function isSame(one: ProcessRecord, other: ProcessRecord): boolean {
  return one.pid === other.pid && one.startTime === other.startTime;
}

/** Reads a claim. Returns undefined if there is none, or if its process ended before the file was complete. */
async function read(file: string): Promise<ClaimRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ClaimRecord;
  } catch {
    return undefined;
  }
}
