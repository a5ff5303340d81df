// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../../policy/json.ts';
import type { ApiObject } from './api-resource.ts';

/**
 * Replaces equal values with one shared value, so that values that thousands of nodes have in common are in memory only
 * once.
 */
export interface Sharer {
  /** Returns the first value with the same JSON, including the order of keys. */
  value<Value>(value: Value): Value;
  /** Returns the first list with equal items. Equal items of different lists are also shared. */
  list<Item>(items: readonly Item[]): readonly Item[];
}

/**
 * A sharer remembers this many list items for each value or list that its limit allows. The total length of the lists
 * must be limited. Otherwise, a node that reports its items in a different order each time would fill the memory.
 */
const itemsForEach = 50;

/**
 * Creates a sharer that remembers at most `limit` values and lists, and 50 times as many items of lists. When a limit
 * is reached, it forgets everything, so that unused values do not stay in memory. Values that are already shared stay
 * shared.
 */
export function createSharer(limit: number): Sharer {
  const values = new Map<string, { readonly value: unknown; readonly number: number }>();
  const lists = new Map<string, readonly unknown[]>();
  let listed = 0;
  const remember = <Value>(value: Value): { readonly value: Value; readonly number: number } => {
    const known = values.getOrInsertComputed(JSON.stringify(value), () => ({ value, number: values.size }));
    return known as { readonly value: Value; readonly number: number };
  };
  const forgetIfFull = (): void => {
    if (values.size + lists.size < limit && listed < limit * itemsForEach) return;
    values.clear();
    lists.clear();
    listed = 0;
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
      return lists.getOrInsertComputed(key, () => {
        listed += 1 + items.length;
        return known.map(({ value }) => value);
      }) as readonly Item[];
    },
  };
}

/**
 * Fields whose values are equal for NICs of the same model in the same slot of different nodes. Addresses are excluded,
 * because they always differ.
 */
const commonFields = ['name', 'altNames', 'kind', 'driver', 'pciAddress', 'vendorID', 'deviceID', 'master'] as const;

/**
 * Returns a node state that shares its values with earlier states. Similar nodes under the same policies report the
 * same resources and skipped interfaces. These make up nine tenths of a state. The state was not validated, so every
 * field may have any value.
 */
export function shareNodeState(object: ApiObject, sharer: Sharer): ApiObject {
  const { status } = object;
  if (!isJsonObject(status)) return object;
  const fields = Object.entries(status).map(([field, value]) => [
    field,
    field === 'interfaces' ? shareInterfaces(value, sharer) : shareValue(value, sharer),
  ]);
  return { ...object, status: Object.fromEntries(fields) };
}

function shareInterfaces(interfaces: unknown, sharer: Sharer): unknown {
  if (!Array.isArray(interfaces)) return interfaces;
  return interfaces.map((nic: unknown) => {
    if (!isJsonObject(nic)) return nic;
    const shared = { ...nic };
    for (const field of commonFields) if (nic[field] !== undefined) shared[field] = shareValue(nic[field], sharer);
    return shared;
  });
}

function shareValue(value: unknown, sharer: Sharer): unknown {
  return Array.isArray(value) ? sharer.list(value) : sharer.value(value);
}
