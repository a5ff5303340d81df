// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that cannot be taken for a later one of the same ID. */
export interface ProcessRecord {
  readonly pid: number;
  /** In clock ticks since the machine's start: field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: string;
}

/** Raises when there is no such process. */
export function recordProcess(pid: number): ProcessRecord {
  const startTime = readStat(pid)?.startTime;
  if (startTime === undefined) throw new Error(`process ${pid} is gone`);
  return { pid, startTime };
}

/** Whether it runs; one that has ended and is not yet waited for (a zombie) does not. */
export function isRunning({ pid, startTime }: ProcessRecord): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z';
}

/** The processes that a process has started itself. */
export function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`)?.split(' ').filter(Boolean).map(Number) ?? [];
}

/** SIGTERM, and SIGKILL to what is still there after `graceMs`; at once when that is 0. */
export async function stopProcess(record: ProcessRecord, graceMs = 10_000): Promise<void> {
  const pollMs = 20;
  if (!isRunning(record)) return;
  if (graceMs > 0) signalProcess(record, 'SIGTERM');
  for (let waited = 0; waited < graceMs && isRunning(record); waited += pollMs) await sleep(pollMs);
  signalProcess(record, 'SIGKILL');
  while (isRunning(record)) await sleep(pollMs);
}

export function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): void {
  if (!isRunning(record)) return;
  try {
    process.kill(record.pid, signal);
  } catch (thrown) {
    // It ended a moment ago.
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

function readStat(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  // The second field, the program's name in parentheses, may hold anything, so that fields are counted behind it.
  const fields = read(`/proc/${pid}/stat`)
    ?.replace(/^.*\) /s, '')
    .split(' ');
  const [state, startTime] = [fields?.[0], fields?.[19]];
  return state === undefined || startTime === undefined ? undefined : { state, startTime };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
