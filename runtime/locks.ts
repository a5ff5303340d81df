// SPDX-License-Identifier: Apache-2.0
import { unlessAborted } from './abort-signals.ts';

/**
 * Runs tasks with the same key one at a time, in the order of the calls. Tasks with different keys do not wait for each
 * other.
 */
export interface KeyedMutex {
  /**
   * Runs the task after all earlier tasks that share a key with it have ended, with or without an error. If the signal
   * aborts first, rejects with the signal's reason and does not run the task.
   */
  run<Value>(keys: readonly string[], run: () => Promise<Value>, signal?: AbortSignal): Promise<Value>;
}

export function createKeyedMutex(): KeyedMutex {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(keys, run, signal) {
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const unique = [...new Set(keys)];
      // All keys are claimed in one turn of the event loop. Two calls therefore never wait for each other.
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
        // The aborted call stays in the queue until the earlier tasks have ended, so that later tasks still wait for
        // those.
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

/** Limits how many calls run at once. Further calls wait in the order of their arrival. */
export interface Semaphore {
  run<Value>(run: () => Promise<Value>): Promise<Value>;
}

export function createSemaphore(places: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = places;
  return {
    async run(run) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await run();
      } finally {
        // Pass the place directly to the next waiting call, so that a new call cannot take it.
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}
