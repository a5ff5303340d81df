// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long a failing test waits. The limit is far above the duration of any step on a busy machine, because load must
 * not fail a test.
 */
const usualGuardMs = 90_000;

/** Polls a state that has no notifications. Returns the first result that meets the condition. */
export async function until<Look>(
  look: () => Promise<Look>,
  isWanted: (look: Look) => boolean,
  guardMs = usualGuardMs,
): Promise<Look> {
  const over = AbortSignal.timeout(guardMs);
  for (;;) {
    const seen = await look();
    if (isWanted(seen)) return seen;
    if (over.aborted) throw new Error(`not reached in ${guardMs} ms; now: ${JSON.stringify(seen)}`);
    await sleep(20);
  }
}
