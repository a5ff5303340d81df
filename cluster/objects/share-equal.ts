// SPDX-License-Identifier: Apache-2.0

/** Makes values that are equal one: what thousands of nodes say alike is held once. */
export interface Sharer {
  /** The first value that was equal to this one, as JSON, keys in their order; this one, where it is the first. */
  value<Value>(value: Value): Value;
  /** The first list that had equal items, each of them shared, too. */
  list<Item>(items: readonly Item[]): readonly Item[];
}

/**
 * A sharer that remembers so many values. Then it forgets all and begins anew: what was shared stays so, and what comes
 * later is shared among itself, so that values that nobody holds any more are not kept for ever.
 */
export function createSharer(limit: number): Sharer {
  const values = new Map<string, { readonly value: unknown; readonly number: number }>();
  const lists = new Map<string, readonly unknown[]>();
  const remember = <Value>(value: Value): { readonly value: Value; readonly number: number } => {
    const known = values.getOrInsertComputed(JSON.stringify(value), () => ({ value, number: values.size }));
    return known as { readonly value: Value; readonly number: number };
  };
  const forgetIfFull = (): void => {
    if (values.size + lists.size < limit) return;
    values.clear();
    lists.clear();
  };
  return {
    value(value) {
      forgetIfFull();
      return remember(value).value;
    },
    list<Item>(items: readonly Item[]) {
      forgetIfFull();
      const known = items.map(remember);
      const key = known.map(({ number }) => number).join();
      return lists.getOrInsertComputed(key, () => known.map(({ value }) => value)) as readonly Item[];
    },
  };
}
