// SPDX-License-Identifier: Apache-2.0

/** How much may be done at once, and after how long one more. */
export interface BucketLimits {
  readonly burst: number;
  readonly refillMs: number;
}

/** Tokens that were left at a moment. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** The bucket as it is now; one that nobody has used yet is full. A clock that was set back counts from then on. */
export function refill(bucket: Bucket | undefined, { burst, refillMs }: BucketLimits, nowMs: number): Bucket {
  if (bucket === undefined) return { tokens: burst, atMs: nowMs };
  const gained = Math.max(0, nowMs - bucket.atMs) / refillMs;
  return { tokens: Math.min(burst, bucket.tokens + gained), atMs: nowMs };
}

/** In how many milliseconds the bucket has a token; 0 when it has one. */
export function waitForToken({ tokens }: Bucket, { refillMs }: BucketLimits): number {
  return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * refillMs);
}

export function addTokens({ tokens, atMs }: Bucket, count: number): Bucket {
  return { tokens: tokens + count, atMs };
}
