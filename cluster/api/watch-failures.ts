// SPDX-License-Identifier: Apache-2.0
import type { MacvtapError } from '../../runtime/errors.ts';
import { backOffMs, isUnreachable } from './api-errors.ts';

/** How to react to a finished run of list and watch. */
interface FailedRun {
  readonly waitMs: number;
  /** Whether to report the error. Never true without an error. */
  readonly isConcern: boolean;
}

/** Counts failed runs of list and watch. */
export interface WatchFailures {
  /** Returns undefined if the next run may start at once. `error` is undefined after a watch that ended normally. */
  ended(lastedMs: number, error: MacvtapError | undefined): FailedRun | undefined;
}

export function rememberFailures(): WatchFailures {
  let failures = 0;
  /** How many consecutive failures up to now were a 410, which means that the server had dropped the version. */
  let expired = 0;
  return {
    ended(lastedMs, error) {
      failures = countFailures(failures, { lastedMs, failed: error !== undefined });
      // `expired` never exceeds `failures`: a watch that lasted restarts the count, even if it ended with an error.
      expired = error?.facts.status === 410 ? Math.min(expired + 1, failures) : 0;
      if (failures === 0) return undefined;
      // The server has often dropped the version by the end of an outage. The 410 shows that the server responds again,
      // so the failures of the outage no longer count.
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
 * Returns how many failures in a row are normal and not reported. A single broken watch, which restarts at once, is
 * normal. So are three dropped versions (410), each of which requires a new list. A bug is reported at once.
 */
function normalFailures({ code, facts }: MacvtapError): number {
  if (code === 'Unexpected') return 0;
  return facts.status === 410 ? 3 : 1;
}

/** The result of one run of list and watch. */
export interface Run {
  /**
   * How long the watch was open; 0 if it never opened. The time for listing does not count. Otherwise, a slow list
   * would hide that the watch failed at once.
   */
  readonly lastedMs: number;
  readonly failed: boolean;
}

/**
 * Returns the number of failures in a row after a run. A watch that lasted had worked until it broke, so earlier
 * failures no longer count. A watch that ended soon counts as a failure even without an error. Otherwise, a server or
 * proxy that ends every watch at once would cause a hot loop.
 */
export function countFailures(before: number, { lastedMs, failed }: Run): number {
  if (lastedMs >= lastingMs) return failed ? 1 : 0;
  return before + 1;
}

/**
 * How long a watch must be open to count as working. It is longer than any single response takes, and shorter than any
 * normal watch.
 */
const lastingMs = 5_000;
