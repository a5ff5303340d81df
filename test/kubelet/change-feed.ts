// SPDX-License-Identifier: Apache-2.0

/** Lets tests wait for a state instead of sleeping. */
export interface ChangeFeed {
  changed(): void;
  /**
   * Resolves when the predicate holds, now or after a change. At the deadline, rejects with the text that `describe`
   * returns.
   */
  waitFor(predicate: () => boolean, describe: () => string, timeoutMs?: number): Promise<void>;
}

export function createChangeFeed(): ChangeFeed {
  const waiting = new Set<() => void>();
  return {
    changed: () => {
      for (const look of [...waiting]) look();
    },
    waitFor: async (predicate, describe, timeoutMs = defaultTimeoutMs) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => {
        if (predicate()) resolve();
      };
      const timer = setTimeout(
        () => reject(new Error(`not reached in ${timeoutMs} ms; now: ${describe()}`)),
        timeoutMs,
      );
      // If a caller stopped waiting and closed everything else, this timer must not keep the process alive.
      timer.unref();
      waiting.add(look);
      look();
      try {
        await promise;
      } finally {
        clearTimeout(timer);
        waiting.delete(look);
      }
    },
  };
}

/** How long a failing test waits, as in test/process/until.ts. No test depends on how much time has passed. */
const defaultTimeoutMs = 90_000;
