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
      const before = unique.map((key) => tails.get(key)).filter((tail) => tail !== undefined);
      for (const key of unique) tails.set(key, ended);
      const turn = before.length === 0 ? undefined : Promise.all(before);
      const leave = () => {
        for (const key of unique) {
          if (tails.get(key) === ended) tails.delete(key);
        }
        end();
      };
      try {
        if (turn === undefined) signal?.throwIfAborted();
        else await unlessAborted(turn, signal);
      } catch (thrown) {
        // The aborted call stays in the queue until the earlier tasks have ended, so that later tasks still wait for
        // those.
        if (turn === undefined) leave();
        else void turn.then(leave);
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

/** Calls that several callers share. Calls with the same key run one at a time. */
export interface SingleFlight<Value> {
  /** Returns the call that waits for its turn, or undefined if there is none. The caller may share it. */
  waiting(key: string): Promise<Value> | undefined;
  /**
   * Returns the waiting call. If there is none, creates one that runs `make` after the running call with this key has
   * ended.
   */
  call(key: string, make: () => Promise<Value>): Promise<Value>;
  /**
   * Resolves when no call with the key is running or waiting, and `rest` has resolved after the last call (see
   * createSingleFlight).
   */
  idle(key: string): Promise<void>;
}

/**
 * Shares calls between callers. A caller that arrives while a call is running gets the result of the next call. The
 * running call may have read its data too early for that caller. After each call, `rest` must resolve before the next
 * call with the same key starts.
 */
export function createSingleFlight<Value>(rest: () => Promise<void> = async () => undefined): SingleFlight<Value> {
  const waiting = new Map<string, Promise<Value>>();
  const turns = new Map<string, Promise<void>>();

  const begin = async (key: string, make: () => Promise<Value>): Promise<Value> => {
    await turns.get(key);
    // From now on, new callers need another call.
    waiting.delete(key);
    return await make();
  };
  const end = async (call: Promise<Value>): Promise<void> => {
    await call.catch(() => undefined);
    await rest();
  };
  return {
    waiting: (key) => waiting.get(key),
    call(key, make) {
      const shared = waiting.get(key);
      if (shared !== undefined) return shared;
      const call = begin(key, make);
      waiting.set(key, call);
      const turn = end(call).then(() => {
        if (turns.get(key) === turn) turns.delete(key);
      });
      turns.set(key, turn);
      return call;
    },
    async idle(key) {
      await turns.get(key);
    },
  };
}
