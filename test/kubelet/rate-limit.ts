// SPDX-License-Identifier: Apache-2.0

/** Returns whether another call may pass now. */
export type RateLimit = () => boolean;

/** Creates a token bucket like golang.org/x/time/rate, which kubelet puts in front of its pod-resources API. */
export function createRateLimit(perSecond: number, burst: number, nowMs = () => performance.now()): RateLimit {
  let tokens = burst;
  let filledAtMs = nowMs();
  return () => {
    const atMs = nowMs();
    tokens = Math.min(burst, tokens + ((atMs - filledAtMs) / 1_000) * perSecond);
    filledAtMs = atMs;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
