// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

/** The unit in which the kernel counts time for programs: USER_HZ (proc_pid_stat(5), sysconf(_SC_CLK_TCK)). */
const ticksPerSecond = 100;

/** Returns the processor time that a process has used, including the kernel's time for it. */
export async function processorMs(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may contain spaces. The state is the third field, and utime and stime are the 14th and
  // 15th.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1_000) / ticksPerSecond;
}
