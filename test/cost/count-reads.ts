// SPDX-License-Identifier: Apache-2.0

/** A value that counts every read below it: of each property, and of each item of a list. */
export interface Counted<Value> {
  readonly value: Value;
  readonly reads: () => number;
}

/**
 * Wraps a value that consists of lists and plain objects. A copy by spreading reads each property once, and reads of
 * the copy are not counted.
 */
export function countReads<Value>(value: Value): Counted<Value> {
  let reads = 0;
  const wrapped = new WeakMap<object, object>();
  const wrap = (inner: unknown): unknown => {
    if (typeof inner !== 'object' || inner === null) return inner;
    return wrapped.getOrInsertComputed(
      inner,
      () =>
        new Proxy(inner, {
          get(target, key) {
            reads += 1;
            return wrap(Reflect.get(target, key));
          },
        }),
    );
  };
  return { value: wrap(value) as Value, reads: () => reads };
}
