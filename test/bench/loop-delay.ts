// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { RunningProcess } from '../process/start-process.ts';

/** The delays of timers in one period, in milliseconds. They include the 1 ms that each timer requests. */
export interface LoopDelay {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Flags that make a Node.js process print the delays of its event loop. */
export const loopDelayFlags: readonly string[] = [
  '--import',
  fileURLToPath(new URL('./loop-delay-hook.ts', import.meta.url)),
];

/** Returns a function that ends the current period of the process and returns that period. */
export function followLoopDelay(process: RunningProcess): () => Promise<LoopDelay> {
  let period = -1;
  return async () => {
    period += 1;
    process.signal('SIGUSR2');
    const line = await process.waitForLine(new RegExp(`^loop-delay ${period} `));
    return JSON.parse(line.slice(line.indexOf('{')));
  };
}
