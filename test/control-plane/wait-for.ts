// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/** The state of a process while a test waits for it. */
export interface Watched {
  readonly output: string;
  readonly exit: Promise<unknown>;
}

/** How long a failure waits. A start takes some seconds, or more on a busy machine. */
const guardMs = 90_000;
const pollMs = 50;

/**
 * Waits until a process is ready, and checks repeatedly. If the process ends first, or is never ready, rejects with all
 * of its output.
 */
export async function waitFor(
  name: string,
  running: Watched,
  isReady: () => Promise<boolean>,
  timeoutMs = guardMs,
): Promise<void> {
  const over = AbortSignal.timeout(timeoutMs);
  let ended = false;
  void running.exit.then(() => {
    ended = true;
  });
  let last: unknown;
  for (;;) {
    try {
      if (await isReady()) return;
    } catch (thrown) {
      last = thrown;
    }
    if (ended) throw new Error(`${name} ended before it was ready:\n${running.output}`, { cause: last });
    if (over.aborted) throw new Error(`${name} was not ready in ${timeoutMs} ms:\n${running.output}`, { cause: last });
    await sleep(pollMs);
  }
}
