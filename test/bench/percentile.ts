// SPDX-License-Identifier: Apache-2.0

/**
 * Returns the smallest sample that at least `share` of all samples do not exceed (nearest rank). The result is always a
 * measured value, never one between two. `percentile(samples, 0.99)` of fewer than 100 samples is their maximum.
 */
export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) throw new RangeError('no samples, no percentile');
  if (!(share > 0 && share <= 1)) throw new RangeError(`a share is above 0 and at most 1, not ${share}`);
  const sorted = samples.toSorted((left, right) => left - right);
  return sorted[Math.ceil(share * sorted.length) - 1] as number;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
