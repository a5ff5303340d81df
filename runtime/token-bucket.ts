// SPDX-License-Identifier: Apache-2.0

/** The capacity of a bucket, and the rate at which it is refilled. */
export interface BucketSize {
  /** The maximum number of tokens in the bucket. A new bucket is full. */
  readonly burst: number;
  readonly perSecond: number;
}

/** Limits a rate, but allows short bursts. */
export interface TokenBucket {
  /** How full the bucket is: 0 to 1. */
  readonly level: number;
  /** Takes one token. If the bucket has none, returns false. */
  take(): boolean;
  /** Puts tokens back that were taken in vain. The bucket never has more tokens than its burst. */
  giveBack(count: number): void;
}

/** Creates a full bucket. `nowMs` is a clock that never goes back. */
export function createTokenBucket(
  { burst, perSecond }: BucketSize,
  nowMs: () => number = () => performance.now(),
): TokenBucket {
  const limits: BucketLimits = { burst, refillMs: 1_000 / perSecond };
  let bucket = refill(undefined, limits, nowMs());
  const fill = (): void => {
    bucket = refill(bucket, limits, nowMs());
  };
  return {
    get level() {
      fill();
      return bucket.tokens / burst;
    },
    take() {
      fill();
      if (bucket.tokens < 1) return false;
      bucket = addTokens(bucket, -1);
      return true;
    },
    giveBack(count) {
      bucket = addTokens(bucket, count);
    },
  };
}

/** The capacity of a bucket, and the time that it takes to add one token. */
export interface BucketLimits {
  readonly burst: number;
  readonly refillMs: number;
}

/** The number of tokens in a bucket at one moment. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * Returns the bucket at `nowMs`. An undefined bucket counts as full. If the clock was set back, no tokens are added,
 * and time counts from `nowMs`.
 */
export function refill(bucket: Bucket | undefined, { burst, refillMs }: BucketLimits, nowMs: number): Bucket {
  if (bucket === undefined) return { tokens: burst, atMs: nowMs };
  const gained = Math.max(0, nowMs - bucket.atMs) / refillMs;
  return { tokens: Math.min(burst, bucket.tokens + gained), atMs: nowMs };
}

/** Returns the milliseconds until the bucket has a token, or 0 if it has one. */
export function waitForToken({ tokens }: Bucket, { refillMs }: BucketLimits): number {
  return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * refillMs);
}

export function addTokens({ tokens, atMs }: Bucket, count: number): Bucket {
  return { tokens: tokens + count, atMs };
}
