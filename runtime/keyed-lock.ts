// SPDX-License-Identifier: Apache-2.0

/** Lets one thing at a time happen to each key, in the order of the calls; different keys do not wait on each other. */
export interface KeyedLock {
  /**
   * Runs when everything before it that has one of the keys has ended, well or not. A caller whose signal ends first gets
   * its reason, and nothing is run for him.
   */
  run<Value>(keys: readonly string[], run: () => Promise<Value>, signal?: AbortSignal): Promise<Value>;
}

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(keys, run, signal) {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const unique = [...new Set(keys)];
      // All tails are taken in one turn of the event loop: two calls can never wait on each other.
      const before = unique.map((key) => tails.get(key));
      for (const key of unique) tails.set(key, ended);
      const turn = Promise.all(before);
      const leave = () => {
        for (const key of unique) {
          if (tails.get(key) === ended) tails.delete(key);
        }
        end();
      };
      try {
        await unlessAborted(turn, signal);
      } catch (thrown) {
        // Those behind it still wait for those before it.
        void turn.then(leave);
        throw thrown;
      }
      try {
        return await run();
      } finally {
        leave();
      }
    },
  };
}

async function unlessAborted(turn: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return void (await turn);
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([turn, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
