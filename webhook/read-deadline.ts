// SPDX-License-Identifier: Apache-2.0

/** What the API server says when it says nothing: admissionregistration.k8s.io/v1, timeoutSeconds. */
const defaultTimeoutMs = 10_000;

/** The most that look-ups may take, however long the API server would wait. */
const longestLookupMs = 1_000;

/**
 * By when the look-ups of a review must be back: within 1 s, and within half of the time that the API server waits, which
 * it says in the query (`?timeout=10s`, a Go duration). The clock runs from now on; the timer is made when it is first
 * asked for, since most reviews look nothing up.
 */
export function readDeadline(timeout: unknown): () => AbortSignal {
  const lookupMs = lookupBudget(timeout);
  const startMs = performance.now();
  let signal: AbortSignal | undefined;
  return () => {
    signal ??= AbortSignal.timeout(Math.max(0, Math.floor(lookupMs - (performance.now() - startMs))));
    return signal;
  };
}

/** How long the look-ups of a review may take, by its query. */
export function lookupBudget(timeout: unknown): number {
  const timeoutMs = typeof timeout === 'string' ? parseGoDuration(timeout) : undefined;
  return Math.min(longestLookupMs, (timeoutMs ?? defaultTimeoutMs) / 2);
}

const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 1e-3, µs: 1e-3, ns: 1e-6 } as const;

/** Milliseconds of `10s`, `1m0s`, `1.5s`, `500ms`; undefined for anything else, also for 0. */
function parseGoDuration(text: string): number | undefined {
  if (!/^(\d{1,9}(\.\d{1,9})?(h|ms|m|s|us|µs|ns)){1,6}$/.test(text)) return undefined;
  const parts = text.matchAll(/([\d.]+)(h|ms|m|s|us|µs|ns)/g);
  const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as keyof typeof units], 0);
  return ms > 0 ? ms : undefined;
}
