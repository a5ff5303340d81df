// SPDX-License-Identifier: Apache-2.0
import { unlessAborted } from '../../runtime/abort-signals.ts';
import { createSingleFlight } from '../../runtime/locks.ts';
import { pause } from '../../runtime/pause.ts';

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
  /**
   * Makes another call instead if it can begin at once: no call may be in progress, and the pace must allow it.
   * Otherwise returns undefined. Callers that arrive together should share one call, so only the first of them gets
   * this one.
   */
  single<R>(make: () => Promise<R>): Promise<R> | undefined;
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
  const flight = createSingleFlight<T>(() => keepPace(begins, pace, stopping));
  let underWay = 0;

  const begin = async <R>(call: () => Promise<R>): Promise<R> => {
    stopping.throwIfAborted();
    begins.push(performance.now());
    begins.splice(0, begins.length - pace.calls);
    underWay += 1;
    try {
      return await call();
    } finally {
      underWay -= 1;
    }
  };
  /** The flight pauses only after its own calls, so a `single` call may require another pause. */
  const beginInTime = async (): Promise<T> => {
    await keepPace(begins, pace, stopping);
    return await begin(make);
  };
  return {
    call: async (signal) => {
      signal?.throwIfAborted();
      return await unlessAborted(flight.call(theOnly, beginInTime), signal);
    },
    single(other) {
      const mayBegin = underWay === 0 && flight.waiting(theOnly) === undefined && pauseMs(begins, pace) === 0;
      return mayBegin ? begin(other) : undefined;
    },
    idle: () => flight.idle(theOnly),
  };
}

/** The key of all calls. */
const theOnly = '';

async function keepPace(begins: readonly number[], pace: CallPace, stopping: AbortSignal): Promise<void> {
  const ms = pauseMs(begins, pace);
  // A timer of 0 ms would take a millisecond.
  if (ms > 0) await pause(ms, stopping);
}

/** Returns how long the next call must wait. It begins at least `ms` after the oldest of the last `calls` calls. */
function pauseMs(begins: readonly number[], { calls, ms }: CallPace): number {
  const [oldest] = begins;
  return oldest === undefined || begins.length < calls ? 0 : Math.max(0, oldest + ms - performance.now());
}
