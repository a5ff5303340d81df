// SPDX-License-Identifier: Apache-2.0

/** Calls for each item, so many at once; rejects with the first failure, when the calls under way have ended. */
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
