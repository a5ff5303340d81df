// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/** What is known of a process while it is waited for. */
export interface Watched {
  readonly output: string;
  readonly exit: Promise<unknown>;
}

/** Only what fails waits this long: a start takes some seconds, more of them when others use the machine. */
const guardMs = 90_000;
const pollMs = 50;

/** Looks again and again whether a process is ready; fails with all that it printed when it ends before, or never is. */
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
