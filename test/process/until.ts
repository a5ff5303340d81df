// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Only a test that fails waits this long; nothing is concluded from how much of it passed. Far above what anything takes on
 * a machine that has a dozen other things to do, since load alone must not fail a test.
 */
const usualGuardMs = 90_000;

/** Looks again and again, for what tells nobody of its changes, and returns the first look that is as wanted. */
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
