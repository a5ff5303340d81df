// SPDX-License-Identifier: Apache-2.0

/** What the API server says when it says nothing: admissionregistration.k8s.io/v1, timeoutSeconds. */
const defaultTimeoutMs = 10_000;

/** The most that look-ups may take, however long the API server would wait. */
const longestLookupMs = 1_000;

/** By when the parts of a review must be done. The clock runs from its arrival. */
export interface Deadlines {
  /** The signal by which every look-up must be back. */
  readonly lookups: () => AbortSignal;
  /** Whether the answer is due: what only informs, and takes its time, ends then with what it has. */
  readonly isDue: () => boolean;
}

/**
 * The deadlines of a review, by what the API server says in the query of how long it waits (`?timeout=10s`, a Go
 * duration): an answer is due after half of it, and look-ups must be back by then, too, and within 1 s. The timer is made
 * when it is first asked for, since most reviews look nothing up.
 */
export function readDeadlines(
  timeout: unknown,
  arrivedMs: number,
  nowMs: () => number = () => performance.now(),
): Deadlines {
  const { lookupMs, answerMs } = readBudgets(timeout);
  let signal: AbortSignal | undefined;
  return {
    lookups: () => {
      signal ??= AbortSignal.timeout(Math.max(0, Math.floor(lookupMs - (nowMs() - arrivedMs))));
      return signal;
    },
    isDue: () => nowMs() - arrivedMs >= answerMs,
  };
}

/** How long the look-ups of a review may take, and the whole of it, by its query. */
export function readBudgets(timeout: unknown): { readonly lookupMs: number; readonly answerMs: number } {
  const timeoutMs = typeof timeout === 'string' ? parseGoDuration(timeout) : undefined;
  const answerMs = (timeoutMs ?? defaultTimeoutMs) / 2;
  return { lookupMs: Math.min(longestLookupMs, answerMs), answerMs };
}

const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 } as const;

/** Milliseconds of `10s`, `1m0s`, `1.5s`, `500ms`; undefined for anything else, also for 0. */
function parseGoDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,9})?(h|ms|m|s|us|µs|ns)){1,6}$/.test(text)) return undefined;
  const parts = text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g);
  const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0);
  return ms > 0 ? ms : undefined;
}
