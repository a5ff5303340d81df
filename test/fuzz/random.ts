// SPDX-License-Identifier: Apache-2.0

/** Repeatable random numbers: the same seed produces the same sequence on every machine. */
export interface Random {
  /** Returns a whole number from 0 up to, but not including, the limit. */
  below(limit: number): number;
  pick<Item>(items: readonly Item[]): Item;
}

/** Creates Mulberry32 by Tommy Ettinger. Its 32 bits of state are enough to vary inputs. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const below = (limit: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
  return { below, pick: (items) => items[below(items.length)] as never };
}
