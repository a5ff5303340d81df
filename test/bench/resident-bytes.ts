// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** Returns the resident memory of a process, including shared pages of files (VmRSS, proc_pid_status(5)). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kibibytes) * 1024;
}

/** The memory of a process that belongs to files is divided by the number of processes that map it. */
export interface MemoryShare {
  /** The proportional set size. */
  readonly proportional: number;
  /** The part that no other process shares. */
  readonly private: number;
}

/** Returns the memory of a process, from /proc/PID/smaps_rollup (proc_pid_smaps(5)). */
export async function memoryShare(pid: number): Promise<MemoryShare> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (name: string): number => {
    const kibibytes = new RegExp(`^${name}: +(\\d+) kB$`, 'm').exec(text)?.[1];
    if (kibibytes === undefined) throw new Error(`/proc/${pid}/smaps_rollup has no ${name}`);
    return Number(kibibytes) * 1024;
  };
  return { proportional: bytes('Pss'), private: bytes('Private_Clean') + bytes('Private_Dirty') };
}
