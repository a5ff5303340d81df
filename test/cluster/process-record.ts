// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that cannot be confused with a later one with the same ID. */
export interface ProcessRecord {
  readonly pid: number;
  /** The start time, in clock ticks since the machine's start: field 22 of /proc/PID/stat (proc(5)). */
  readonly startTime: string;
}

/** Records a process. Raises an error if there is no such process. */
export function recordProcess(pid: number): ProcessRecord {
  const startTime = readStat(pid)?.startTime;
  if (startTime === undefined) throw new Error(`process ${pid} does not exist`);
  return { pid, startTime };
}

/** Returns whether the process runs. A zombie, which has ended but was not waited for, does not. */
export function isRunning({ pid, startTime }: ProcessRecord): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== 'Z';
}

/** Returns the direct children of a process. */
export function childrenOf(pid: number): readonly number[] {
  return read(`/proc/${pid}/task/${pid}/children`)?.split(' ').filter(Boolean).map(Number) ?? [];
}

/** Sends SIGTERM, and SIGKILL if the process still runs after `graceMs`. If `graceMs` is 0, sends SIGKILL at once. */
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
    // The process ended a moment ago.
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
  }
}

function readStat(pid: number): { readonly state: string; readonly startTime: string } | undefined {
  // The second field, the program's name in parentheses, may contain any characters, so fields are counted after it.
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
