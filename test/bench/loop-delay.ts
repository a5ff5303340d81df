// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import type { RunningProcess } from '../process/start-process.ts';

/** How late timers of 1 ms came in one period: about 1 ms where nothing else went on. In milliseconds. */
export interface LoopDelay {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What makes a Node.js process tell of its event loop. */
export const loopDelayFlags: readonly string[] = [
  '--import',
  fileURLToPath(new URL('./loop-delay-hook.ts', import.meta.url)),
];

/** Ends the process's periods one after the other; each call answers with the one that it ends. */
export function followLoopDelay(process: RunningProcess): () => Promise<LoopDelay> {
  let period = -1;
  return async () => {
    period += 1;
    process.signal('SIGUSR2');
    const line = await process.waitForLine(new RegExp(`^loop-delay ${period} `));
    return JSON.parse(line.slice(line.indexOf('{')));
  };
}
