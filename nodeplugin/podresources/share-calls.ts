// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';

/** Calls that are wanted often and made seldom. */
export interface SharedCalls<T> {
  /** The result of a call that begins after this one. A caller whose signal ends stops waiting; the call goes on. */
  call(signal?: AbortSignal): Promise<T>;
  /** Resolves when nothing is under way: soon, once `stopping` has ended. */
  idle(): Promise<void>;
}

/**
 * One call at a time. Whoever comes while one is under way gets the result of the next, since the running one may have
 * looked before his reason to ask; all who wait share it. `pauseMs` passes between the end of one and the begin of the
 * next.
 */
export function shareCalls<T>(make: () => Promise<T>, pauseMs: number, stopping: AbortSignal): SharedCalls<T> {
  let running: Promise<void> = Promise.resolve();
  let next: Promise<T> | undefined;

  const begin = async (before: Promise<void>): Promise<T> => {
    await before;
    // From here on callers are too late for this call.
    next = undefined;
    stopping.throwIfAborted();
    return await make();
  };
  return {
    call: async (signal) => {
      signal?.throwIfAborted();
      if (next === undefined) {
        next = begin(running);
        running = endOf(next).then(() => pause(pauseMs, stopping));
      }
      return await unlessAborted(next, signal);
    },
    idle: () => running,
  };
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
