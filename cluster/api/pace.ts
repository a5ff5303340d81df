// SPDX-License-Identifier: Apache-2.0

/** What became of one run of list and watch. */
export interface Run {
  /** For how long its watch stood; 0 without one, however long its list took: that is not to hide that no watch comes of it. */
  readonly lastedMs: number;
  readonly failed: boolean;
}

/**
 * How many failures in a row there are after a run. One that lasted was good until it ended, even if it broke off then;
 * one that ended soon counts as a failure even without an error: a server, or a proxy, that ends every watch at once must
 * not be asked in a hot loop.
 */
export function countFailures(before: number, { lastedMs, failed }: Run): number {
  if (lastedMs >= lastingMs) return failed ? 1 : 0;
  return before + 1;
}

/** More than any answer takes, less than any watch. */
const lastingMs = 5_000;

/**
 * How long to wait after the n-th failure in a row (from 1): doubles from 200 ms to 30 s, half of it at random, so that a
 * thousand nodes do not ask a restarted API server all at once. Never less than it asked for itself (Retry-After).
 */
export function backOffMs(
  failures: number,
  { retryAfterMs = 0, isOutage = false }: Failure = {},
  random: () => number = Math.random,
): number {
  const full = Math.min(isOutage ? longestOutageMs : longestMs, firstMs * 2 ** (failures - 1));
  return Math.max(full * (1 - random() / 2), Math.min(retryAfterMs, longestMs) * (1 + random() / 2));
}

/** What is known of the last failure. */
export interface Failure {
  /** What the server asked for itself. */
  readonly retryAfterMs?: number;
  /** Nobody answered. */
  readonly isOutage?: boolean;
}

const firstMs = 200;
const longestMs = 30_000;

/**
 * What was edited while the API server was away is to be in force within 5 s after it is back, and asking where nobody
 * answers burdens nobody: the wait is shorter than that, and leaves time for a new list.
 */
const longestOutageMs = 3_000;

/**
 * Events come in bursts (a deployment makes a hundred objects): for how long more are waited for before there is a new
 * snapshot, by what the last one cost. One of five thousand nodes takes some milliseconds to make, and as long again from
 * those who listen, so that there are no more than they have time for when all nodes report.
 */
export function coalesceMs(lastCostMs: number): number {
  return Math.min(Math.max(shortestWaitMs, lastCostMs * costShare), longestWaitMs);
}

const shortestWaitMs = 10;
/** A twentieth of the time goes into snapshots. */
const costShare = 20;
/** What is new is to count soon all the same; whatever would be refused for its lack is looked up. */
const longestWaitMs = 250;

/** The time-outs of list and watch; settable for tests. */
export interface WatchTimings {
  /** Each watch asks the server to end it after this long, and up to twice as long: it then begins anew elsewhere. */
  readonly watchMs: number;
  /**
   * A watch that says nothing for so long is cut. API servers send a bookmark about every minute (bookmarkFrequency in
   * k8s.io/apiserver's cacher), so one that misses two is dead: its connection may be half open.
   */
  readonly staleMs: number;
  /** A kind that was there and is gone (404) counts as empty only after this long. */
  readonly absenceMs: number;
}

export const defaultTimings: WatchTimings = { watchMs: 300_000, staleMs: 150_000, absenceMs: 10_000 };

/** Seconds for `timeoutSeconds`: the API server takes whole ones, and 0 for its own default. */
export function watchSeconds({ watchMs }: WatchTimings, random: () => number = Math.random): number {
  return Math.max(1, Math.round((watchMs * (1 + random())) / 1_000));
}
