// SPDX-License-Identifier: Apache-2.0

/**
 * Calls a function for each item, with a limited number of calls at once. Rejects with the first failure after the
 * calls under way have ended.
 */
export async function eachAtOnce<Item>(
  items: readonly Item[],
  atOnce: number,
  call: (item: Item) => Promise<unknown>,
): Promise<void> {
  const left = items.values();
  const work = async (): Promise<void> => {
    for (const item of left) await call(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: atOnce }, work));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
}
