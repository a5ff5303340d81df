// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/** So many calls in any stretch of so long; the first ones of a quiet time follow each other at once. */
export interface CallPace {
  readonly calls: number;
  readonly ms: number;
}

/** Calls that are wanted often and made seldom. */
export interface SharedCalls<T> {
  /** The result of a call that begins after this one. A caller whose signal ends stops waiting; the call goes on. */
  call(signal?: AbortSignal): Promise<T>;
  /** Resolves when nothing is under way: soon, once `stopping` has ended. */
  idle(): Promise<void>;
}

/**
 * One call at a time. Whoever comes while one is under way gets the result of the next, since the running one may have
 * looked before his reason to ask; all who wait share it.
 */
export function shareCalls<T>(make: () => Promise<T>, pace: CallPace, stopping: AbortSignal): SharedCalls<T> {
  /** When the newest calls began. */
  const begins: number[] = [];
  let running: Promise<void> = Promise.resolve();
  let next: Promise<T> | undefined;

  const begin = async (before: Promise<void>): Promise<T> => {
    await before;
    // From here on callers are too late for this call.
    next = undefined;
    stopping.throwIfAborted();
    begins.push(performance.now());
    begins.splice(0, begins.length - pace.calls);
    return await make();
  };
  return {
    call: async (signal) => {
      signal?.throwIfAborted();
      if (next === undefined) {
        next = begin(running);
        running = endOf(next).then(() => pause(pauseMs(begins, pace), stopping));
      }
      return await unlessAborted(next, signal);
    },
    idle: () => running,
  };
}

/** Until the oldest of as many calls as are allowed is long enough ago. */
function pauseMs(begins: readonly number[], { calls, ms }: CallPace): number {
  const [oldest] = begins;
  return oldest === undefined || begins.length < calls ? 0 : Math.max(0, oldest + ms - performance.now());
}

async function endOf(promise: Promise<unknown>): Promise<void> {
  await promise.catch(() => {});
}

async function pause(ms: number, stopping: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: stopping }).catch(() => {});
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}
