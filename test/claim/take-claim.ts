// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitForLock } from '../binaries/wait-for-lock.ts';
import { isRunning, type ProcessRecord, recordProcess } from '../cluster/process-record.ts';

/** Who has what a machine has once. */
interface ClaimRecord extends ProcessRecord {
  /** @example 'npm run cluster -- up' */
  readonly what: string;
  /** In ISO 8601. */
  readonly since: string;
  /** Whether what it made is wanted also after its end. */
  readonly isKept: boolean;
}

export interface ClaimOptions {
  /** Outside of what is claimed, which may be removed whole. @example '/tmp/kube-macvtap-cluster.claim' */
  readonly folder: string;
  readonly what: string;
  /** What is claimed, in a message. @example 'the test cluster' */
  readonly claimed: string;
  /** How to end what was kept. @example 'npm run cluster -- down' */
  readonly remedy: string;
  /** Takes what somebody kept whose process has ended; what a process still uses nobody takes. */
  readonly takesKept: boolean;
  /** Whose claim it is, if not this process's own: all files of one run of tests share it. */
  readonly pid?: number;
}

/** Something of this machine that nobody else has now. */
export interface Claim {
  /** From here on it is kept, also when the process has ended, until somebody takes it on purpose. */
  keep(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes what a machine has once, or raises at once with who has it, as which process, and since when. A claim ends with
 * its process, however that ends, unless it was kept.
 */
export async function takeClaim(options: ClaimOptions): Promise<Claim> {
  const { folder, what, takesKept, pid = process.pid } = options;
  const file = join(folder, 'claim.json');
  await mkdir(folder, { recursive: true });
  const mine = { ...recordProcess(pid), what };
  const write = async (isKept: boolean, since: string) =>
    await writeFile(file, JSON.stringify({ ...mine, since, isKept } satisfies ClaimRecord));
  await using _lock = await waitForLock(folder, () => {});
  const found = await read(file);
  if (found !== undefined && !isSame(found, mine)) {
    if (isRunning(found)) throw new Error(inUse(options, found));
    if (found.isKept && !takesKept) throw new Error(kept(options, found));
  }
  const since = found !== undefined && isSame(found, mine) ? found.since : new Date().toISOString();
  await write(false, since);
  return {
    keep: () => write(true, since),
    release: () => rm(file, { force: true }),
  };
}

function inUse({ claimed }: ClaimOptions, { what, pid, since }: ClaimRecord): string {
  return `${claimed} is in use by ${what}, process ${pid}, since ${since}: wait until it has ended, or end it`;
}

function kept({ claimed, remedy }: ClaimOptions, { what, pid, since }: ClaimRecord): string {
  return `${claimed} is up, and ${what} made it for somebody (process ${pid}, which has ended, at ${since}): ${remedy} ends it`;
}

function isSame(one: ProcessRecord, other: ProcessRecord): boolean {
  return one.pid === other.pid && one.startTime === other.startTime;
}

/** One that cannot be read was never finished, and is nobody's. */
async function read(file: string): Promise<ClaimRecord | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ClaimRecord;
  } catch {
    return undefined;
  }
}
