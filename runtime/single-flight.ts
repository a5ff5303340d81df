// SPDX-License-Identifier: Apache-2.0

/** Calls that several callers share. Calls with the same key run one at a time. */
export interface SingleFlight<Value> {
  /** Returns the call that waits for its turn, or undefined if there is none. The caller may share it. */
  waiting(key: string): Promise<Value> | undefined;
  /**
   * Returns the waiting call. If there is none, creates one that runs `make` after the running call with this key has
   * ended.
   */
  call(key: string, make: () => Promise<Value>): Promise<Value>;
  /**
   * Resolves when no call with the key is running or waiting, and `rest` has resolved after the last call (see
   * createSingleFlight).
   */
  idle(key: string): Promise<void>;
}

/**
 * Shares calls between callers. A caller that arrives while a call is running gets the result of the next call. The
 * running call may have read its data too early for that caller. After each call, `rest` must resolve before the next
 * call with the same key starts.
 */
export function createSingleFlight<Value>(rest: () => Promise<void> = async () => undefined): SingleFlight<Value> {
  const waiting = new Map<string, Promise<Value>>();
  const turns = new Map<string, Promise<void>>();

  const begin = async (key: string, make: () => Promise<Value>): Promise<Value> => {
    await turns.get(key);
    // From now on, new callers need another call.
    waiting.delete(key);
    return await make();
  };
  const end = async (call: Promise<Value>): Promise<void> => {
    await call.catch(() => undefined);
    await rest();
  };
  return {
    waiting: (key) => waiting.get(key),
    call(key, make) {
      const shared = waiting.get(key);
      if (shared !== undefined) return shared;
      const call = begin(key, make);
      waiting.set(key, call);
      const turn = end(call).then(() => {
        if (turns.get(key) === turn) turns.delete(key);
      });
      turns.set(key, turn);
      return call;
    },
    async idle(key) {
      await turns.get(key);
    },
  };
}
