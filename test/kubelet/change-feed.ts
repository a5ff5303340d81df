// SPDX-License-Identifier: Apache-2.0

/** Lets tests wait for a state instead of sleeping. */
export interface ChangeFeed {
  changed(): void;
  /** Resolves when the predicate holds, now or after a change; fails with what `describe` says when time is up. */
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
      // Whoever gave up waiting and closed everything must be able to end.
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

/** Only a test that fails waits this long, as in test/process/until.ts; nothing is concluded from how much of it passed. */
const defaultTimeoutMs = 90_000;
