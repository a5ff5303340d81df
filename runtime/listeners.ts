// SPDX-License-Identifier: Apache-2.0

/** Callbacks that run after a change. Each is called until its scope ends. */
export interface Listeners {
  /** Adds a callback. A function that is added twice is called twice. */
  add(listener: () => void): Disposable;
  /** Calls all callbacks that exist at the start of the call. If a callback throws, the caller gets the error. */
  notify(): void;
}

export function createListeners(): Listeners {
  const entries = new Set<{ readonly call: () => void }>();
  return {
    add(call) {
      const entry = { call };
      entries.add(entry);
      return { [Symbol.dispose]: () => void entries.delete(entry) };
    },
    notify() {
      for (const { call } of [...entries]) call();
    },
  };
}
