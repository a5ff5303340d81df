// SPDX-License-Identifier: Apache-2.0
import type { RunningProcess } from '../process/start-process.ts';

/**
 * Returns the times at which a webhook wrote the status of a policy, according to its log. Times are in milliseconds
 * since the epoch.
 */
export function statusWrites({ output }: Pick<RunningProcess, 'output'>, policy: string): readonly number[] {
  return output
    .split('\n')
    .filter((line) => line.includes("a policy's status is written"))
    .map((line) => JSON.parse(line) as { readonly policy: string; readonly time: string | number })
    .filter((entry) => entry.policy === policy)
    .map(({ time }) => new Date(time).getTime());
}
