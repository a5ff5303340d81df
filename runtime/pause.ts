// SPDX-License-Identifier: Apache-2.0
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';

/** Waits for a time. Tests replace this function to see how long a caller wants to wait. */
export type Pause = (ms: number, signal: AbortSignal, options?: PauseOptions) => Promise<void>;

interface PauseOptions {
  /** False for a wait that must not keep the process alive. */
  readonly ref?: boolean;
}

/** Resolves after `ms` or when the signal aborts. Never rejects. */
export const pause: Pause = async (ms, signal, { ref = true } = {}) => {
  await sleep(ms, undefined, { signal, ref }).catch(() => undefined);
};

/** Resolves when `news` resolves, after `ms` if given, or when the signal aborts. Never rejects. */
export async function waitForNews(
  news: Promise<void> | undefined,
  ms: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = (): void => resolve();
  const timer = ms === undefined ? undefined : setTimeout(end, Math.max(0, ms));
  signal.addEventListener('abort', end, { once: true });
  if (signal.aborted) end();
  void news?.then(end);
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', end);
}

/** Lets one loop wait. An aborted signal ends each wait early. A wake-up ends only a `sleep` early. */
export interface Sleeper {
  /**
   * Waits for `ms`, or until a wake-up if that is earlier. Without `ms`, waits only for a wake-up. A wake-up since the
   * last wait ends this one at once.
   */
  sleep(ms?: number): Promise<void>;
  /** Waits for `ms`. Wake-ups before the end of this wait have no effect, on this wait or the next. */
  sleepThrough(ms: number): Promise<void>;
  wake(): void;
}

/**
 * Creates the sleeper of one loop. Only one wait may run at a time. After the signal aborts, every wait ends at once.
 */
export function createSleeper(signal: AbortSignal): Sleeper {
  let isAwake = false;
  let onWake: () => void = () => undefined;
  const wait = async (ms: number | undefined, mayWake: boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (mayWake) onWake = resolve;
    if (mayWake && isAwake) resolve();
    await waitForNews(promise, ms, signal);
    onWake = () => undefined;
    isAwake = false;
  };
  return {
    sleep: (ms) => wait(ms, true),
    sleepThrough: (ms) => wait(ms, false),
    wake() {
      isAwake = true;
      onWake();
    },
  };
}

/** The limits of exponential back-off. */
export interface BackOffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Returns the wait after the n-th failure in a row, counted from 1. */
export type BackOff = (failures: number, random?: () => number) => number;

/**
 * Returns an exponential back-off: waits double from `firstMs` to `longestMs`. A random part of up to half is
 * subtracted from each wait, so that processes that failed together do not retry together.
 *
 * @example createBackOff({ firstMs: 100, longestMs: 5_000 })(3) // 200 to 400
 */
export function createBackOff({ firstMs, longestMs }: BackOffLimits): BackOff {
  return (failures, random = Math.random) => Math.min(longestMs, firstMs * 2 ** (failures - 1)) * (1 - random() / 2);
}

interface SliceOptions {
  /** Called after each slice. If it returns true, the next slice follows without a break. */
  readonly isUrgent?: () => boolean;
}

interface AbandonOptions extends SliceOptions {
  /** Called before each slice except the first. If it returns true, the work is abandoned. */
  readonly isOver: () => boolean;
}

/**
 * Runs long work in slices. Returns its result, or undefined if the work was abandoned. The work is a generator that
 * yields every few milliseconds. The event loop handles other events between two slices.
 */
export function runInSlices<Result>(work: Iterator<unknown, Result>, options?: SliceOptions): Promise<Result>;
export function runInSlices<Result>(
  work: Iterator<unknown, Result>,
  options: AbandonOptions,
): Promise<Result | undefined>;
export async function runInSlices<Result>(
  work: Iterator<unknown, Result>,
  { isUrgent = never, isOver = never }: Partial<AbandonOptions> = {},
): Promise<Result | undefined> {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
    if (!isUrgent()) await setImmediate();
    if (isOver()) return undefined;
  }
}

const never = (): boolean => false;
