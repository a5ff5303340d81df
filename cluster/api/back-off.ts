// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import { createBackOff } from '../../runtime/pause.ts';
import { isUnreachable } from './api-errors.ts';

/**
 * Returns the wait after the n-th failure in a row, counted from 1. The wait doubles from 200 ms up to 30 s, or up to 3
 * s during an outage. A random part of up to half is subtracted, so that a thousand nodes do not all retry at once. The
 * wait is never shorter than the server's Retry-After, but a Retry-After above 30 s counts as 30 s.
 */
export function backOffMs(
  failures: number,
  { retryAfterMs = 0, isOutage = false }: Failure = {},
  random: () => number = Math.random,
): number {
  const backOff = isOutage ? outageBackOffMs : refusalBackOffMs;
  return Math.max(backOff(failures, random), Math.min(retryAfterMs, longestMs) * (1 + random() / 2));
}

/** Facts about the last failure. */
export interface Failure {
  /** The server's Retry-After. */
  readonly retryAfterMs?: number;
  /** Whether the server could not be reached or sent no complete response. */
  readonly isOutage?: boolean;
}

const firstMs = 200;
const longestMs = 30_000;

/**
 * The longest wait during an outage. An edit that is made during an outage must take effect within 5 s after the end of
 * the outage. This wait leaves enough time to list all objects again. Retrying an unreachable server costs almost
 * nothing.
 */
const longestOutageMs = 3_000;

const refusalBackOffMs = createBackOff({ firstMs, longestMs });
const outageBackOffMs = createBackOff({ firstMs, longestMs: longestOutageMs });

/** A failed run of list and watch. A run whose watch ended too soon also counts as failed, even without an error. */
interface FailedRun {
  readonly waitMs: number;
  /** Whether to report the error. False if there is no error. */
  readonly isConcern: boolean;
}

/** Counts failed runs of list and watch. */
export interface WatchFailures {
  /** Returns undefined if the next run may start at once. `error` is undefined if the watch ended normally. */
  ended(lastedMs: number, error: MacvtapError | undefined): FailedRun | undefined;
}

export function rememberFailures(): WatchFailures {
  let failures = 0;
  /**
   * The number of consecutive 410 errors up to now. A 410 means that the server no longer has the version to watch
   * from.
   */
  let expired = 0;
  return {
    ended(lastedMs, error) {
      failures = countFailures(failures, { lastedMs, failed: error !== undefined });
      // `expired` is at most `failures`: after a long watch, both counts start again, even if that watch ended with a
      // 410.
      expired = error?.facts.status === 410 ? Math.min(expired + 1, failures) : 0;
      if (failures === 0) return undefined;
      // By the end of an outage, the server has often dropped the version. It then answers with a 410. The answer shows
      // that the outage is over, so the failures of the outage no longer count.
      const inRow = expired > 0 ? expired : failures;
      const retryAfterMs = Number(error?.facts.retryAfterMs ?? 0);
      const isOutage = error !== undefined && isUnreachable(error);
      return {
        waitMs: backOffMs(inRow, { retryAfterMs, isOutage }),
        isConcern: error !== undefined && inRow > normalFailures(error),
      };
    },
  };
}

/**
 * Returns how many failures in a row are normal and therefore not reported. One broken watch is normal, because the
 * next one starts within 200 ms. Up to three 410 errors are normal: each only means that the objects must be listed
 * again. A bug is always reported.
 */
function normalFailures({ code, facts }: MacvtapError): number {
  if (code === 'Unexpected') return 0;
  return facts.status === 410 ? 3 : 1;
}

/** The result of one run of list and watch. */
export interface Run {
  /**
   * How long the watch was open, or 0 if it never opened. The time for the list is not included, because a slow list
   * would hide that the watch failed at once.
   */
  readonly lastedMs: number;
  readonly failed: boolean;
}

/**
 * Returns the number of failures in a row after a run. A watch that was open for long had worked, so failures before it
 * no longer count. A short watch counts as a failure, even without an error. Otherwise, a server or proxy that ends
 * every watch at once would cause a busy loop.
 */
export function countFailures(before: number, { lastedMs, failed }: Run): number {
  if (lastedMs >= lastingMs) return failed ? 1 : 0;
  return before + 1;
}

/**
 * A watch that was open for at least this long counts as working. This time is longer than any single response takes,
 * and shorter than any normal watch.
 */
const lastingMs = 5_000;
