// SPDX-License-Identifier: Apache-2.0

/** Lets one thing at a time happen to each key, in the order of the calls; different keys do not wait on each other. */
export interface KeyedLock {
  /** Runs when everything before it that has one of the keys has ended, well or not. */
  run<Value>(keys: readonly string[], run: () => Promise<Value>): Promise<Value>;
}

export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(keys, run) {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const unique = [...new Set(keys)];
      // All tails are taken in one turn of the event loop: two calls can never wait on each other.
      const before = unique.map((key) => tails.get(key));
      for (const key of unique) tails.set(key, ended);
      await Promise.all(before);
      try {
        return await run();
      } finally {
        for (const key of unique) {
          if (tails.get(key) === ended) tails.delete(key);
        }
        end();
      }
    },
  };
}
