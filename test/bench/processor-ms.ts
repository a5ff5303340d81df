// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** USER_HZ: what the kernel counts in for programs (proc_pid_stat(5), sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;

/** The processor time that a process has used, of its own and of the kernel for it. */
export async function processorMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name, in parentheses, may hold blanks; utime and stime are the 14th and 15th field, the state is the third.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}
