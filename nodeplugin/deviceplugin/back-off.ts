// SPDX-License-Identifier: Apache-2.0

/**
 * How long to wait after the n-th failure in a row (from 1): doubles from 100 ms to 5 s, and a random half of it is left
 * out, so that the resources of a node do not ask kubelet all at once.
 */
export function backOffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return full * (1 - random() / 2);
}

const firstMs = 100;
const maxMs = 5_000;
