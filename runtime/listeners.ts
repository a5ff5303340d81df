// SPDX-License-Identifier: Apache-2.0

/** Callbacks that run with a value after a change. Each is called until its scope ends. */
export interface Listeners<Value = void> {
  /** Adds a callback. A function that is added twice is called twice. */
  readonly add: (listener: (value: Value) => void) => Disposable;
  /** Calls the callbacks, except those that are added or removed during the call. */
  readonly notify: (value: Value) => void;
  /** Removes all callbacks. */
  readonly clear: () => void;
}

/**
 * Creates a set of callbacks. If a callback throws, `onError` gets the error and the other callbacks are still called.
 * Without `onError`, the caller of `notify` gets the error.
 */
export function createListeners<Value = void>(onError?: (thrown: unknown) => void): Listeners<Value> {
  const entries = new Set<{ readonly call: (value: Value) => void }>();
  return {
    add(call) {
      const entry = { call };
      entries.add(entry);
      return { [Symbol.dispose]: () => void entries.delete(entry) };
    },
    notify(value) {
      for (const entry of [...entries]) {
        if (!entries.has(entry)) continue;
        try {
          entry.call(value);
        } catch (thrown) {
          if (onError === undefined) throw thrown;
          onError(thrown);
        }
      }
    },
    clear: () => entries.clear(),
  };
}
