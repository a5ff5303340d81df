// SPDX-License-Identifier: Apache-2.0

/**
 * How long to wait after the n-th failure in a row (from 1): doubles from 200 ms to 30 s, and a random half of it is left
 * out, so that replicas that failed together do not try again together.
 */
export function backOffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return full * (1 - random() / 2);
}

const firstMs = 200;
const maxMs = 30_000;
