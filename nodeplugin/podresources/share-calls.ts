// SPDX-License-Identifier: Apache-2.0
import { unlessAborted } from '../../runtime/abort-signals.ts';
import { pause } from '../../runtime/pause.ts';
import { createSingleFlight } from '../../runtime/single-flight.ts';

/**
 * A limit of `calls` calls in any period of `ms`. After a quiet period, the first calls may begin without a wait.
 */
export interface CallPace {
  readonly calls: number;
  readonly ms: number;
}

/** Calls that several callers share. */
export interface SharedCalls<T> {
  /**
   * Returns the result of a shared call that begins after this request. If the signal aborts, this caller stops
   * waiting, but the shared call continues.
   */
  call(signal?: AbortSignal): Promise<T>;
  /** Resolves when no call is in progress. This happens soon after `stopping` has aborted. */
  idle(): Promise<void>;
}

/**
 * Makes one call at a time. Callers that arrive during a call share the result of the next call. They do not get the
 * result of the running call, because it may contain data from before their request.
 */
export function shareCalls<T>(make: () => Promise<T>, pace: CallPace, stopping: AbortSignal): SharedCalls<T> {
  /** The times at which the newest calls began. */
  const begins: number[] = [];
  const flight = createSingleFlight<T>(() => pause(pauseMs(begins, pace), stopping));

  const begin = async (): Promise<T> => {
    stopping.throwIfAborted();
    begins.push(performance.now());
    begins.splice(0, begins.length - pace.calls);
    return await make();
  };
  return {
    call: async (signal) => {
      signal?.throwIfAborted();
      return await unlessAborted(flight.call(theOnly, begin), signal);
    },
    idle: () => flight.idle(theOnly),
  };
}

/** The key of all calls. */
const theOnly = '';

/** Returns how long the next call must wait. It begins at least `ms` after the oldest of the last `calls` calls. */
function pauseMs(begins: readonly number[], { calls, ms }: CallPace): number {
  const [oldest] = begins;
  return oldest === undefined || begins.length < calls ? 0 : Math.max(0, oldest + ms - performance.now());
}
