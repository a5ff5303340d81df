// SPDX-License-Identifier: Apache-2.0
import { createChangeFeed } from './change-feed.ts';

/** Collects the calls of a callback, and waits for them. */
export interface EventLog<T> {
  readonly events: readonly T[];
  readonly push: (event: T) => void;
  /** Returns the first event from index `from` on that the predicate accepts. */
  next(predicate: (event: T) => boolean, from?: number): Promise<T>;
}

export function createEventLog<T>(): EventLog<T> {
  const events: T[] = [];
  const feed = createChangeFeed();
  return {
    events,
    push: (event) => {
      events.push(event);
      feed.changed();
    },
    next: async (predicate, from = 0) => {
      const find = (): T | undefined => events.slice(from).find(predicate);
      await feed.waitFor(
        () => find() !== undefined,
        () => JSON.stringify(events),
      );
      return find() as T;
    },
  };
}
