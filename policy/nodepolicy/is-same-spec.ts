// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../json-object.ts';

/**
 * Whether an update leaves what a policy says as it was, so that only metadata changes. Compared as values, whatever
 * the order of keys. Without recursion: a label's value may be nested as deep as an API server takes it.
 */
export function isSameSpec(object: unknown, before: unknown): boolean {
  const pairs: [unknown, unknown][] = [[specOf(object), specOf(before)]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [left, right] = pair;
    if (left === right) continue;
    if (Array.isArray(left) && Array.isArray(right)) {
      if (left.length !== right.length) return false;
      for (const [index, item] of left.entries()) pairs.push([item, right[index]]);
    } else if (isJsonObject(left) && isJsonObject(right)) {
      const keys = Object.keys(left);
      if (keys.length !== Object.keys(right).length) return false;
      for (const key of keys) {
        if (!Object.hasOwn(right, key)) return false;
        pairs.push([left[key], right[key]]);
      }
    } else {
      return false;
    }
  }
  return true;
}

function specOf(object: unknown): unknown {
  return isJsonObject(object) ? object.spec : undefined;
}
