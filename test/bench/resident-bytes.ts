// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** What of a process is in memory now, shared pages of files counted as its own (VmRSS, proc_pid_status(5)). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status tells no VmRSS`);
  return Number(kibibytes) * 1024;
}
