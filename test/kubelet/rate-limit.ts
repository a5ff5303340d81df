// SPDX-License-Identifier: Apache-2.0

/** Says whether one more may pass now. */
export type RateLimit = () => boolean;

/** A bucket of tokens as golang.org/x/time/rate has it, which kubelet puts before its pod-resources API. */
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
