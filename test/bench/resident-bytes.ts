// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** Returns the resident memory of a process, including shared pages of files (VmRSS, proc_pid_status(5)). */
export async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status has no VmRSS`);
  return Number(kibibytes) * 1024;
}
