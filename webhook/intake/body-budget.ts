// SPDX-License-Identifier: Apache-2.0
import type { IntakeLimits } from './limits.ts';

/** The bytes of one body in the budget. */
export interface BodyShare {
  /** Called when this body is dropped because another body needs the space. The share has already been released. */
  onDrop: () => void;
  /** Reserves more bytes. Returns false if there is no space. */
  grow(bytes: number): boolean;
  /**
   * Marks the body as complete. After that, only a body of another client can displace it, and only if the client that
   * sent it has no incomplete body left.
   */
  complete(): void;
  /** Marks the body as under review, so that it cannot be dropped. */
  keep(): void;
  /** Returns the bytes to the budget. Calling it again has no effect. */
  release(): void;
}

/** Limits the total bytes of all bodies in memory. */
export interface BodyBudget {
  /** Bytes in use. */
  readonly used: number;
  /** Returns undefined if there is no space. */
  reserve(client: string, bytes: number): BodyShare | undefined;
}

interface Entry {
  readonly client: string;
  readonly share: BodyShare;
  bytes: number;
  state: 'arriving' | 'waiting' | 'kept';
}

/**
 * Creates a budget that one client cannot use up. The rules for a new body are:
 *
 * - If the body would exceed the share of its client, older incomplete bodies of the same client are dropped.
 * - If the body would exceed the whole budget, a body of the client with the most bytes is dropped. If that is another
 *   client, and the new body would give its own client more bytes than that, the new body is refused instead.
 *
 * Incomplete bodies are dropped first, starting with the oldest.
 */
export function createBodyBudget({
  bytes: most,
  clientBytes,
}: Pick<IntakeLimits, 'bytes' | 'clientBytes'>): BodyBudget {
  const entries = new Set<Entry>();
  const sums = new Map<string, number>();
  let used = 0;

  const add = (client: string, bytes: number): void => {
    used += bytes;
    const sum = (sums.get(client) ?? 0) + bytes;
    if (sum === 0) sums.delete(client);
    else sums.set(client, sum);
  };
  const release = (entry: Entry): void => {
    if (entries.delete(entry)) add(entry.client, -entry.bytes);
  };
  const drop = (client: string, newcomer: string, except: Entry | undefined): boolean => {
    const all = entries.values().filter((entry) => entry.client === client && entry !== except);
    const { arriving: [oldest] = [], waiting = [] } = Object.groupBy(all, ({ state }) => state);
    // A new body never displaces a complete body of the same client, because that one came first.
    const victim = oldest ?? (client === newcomer ? undefined : waiting.at(-1));
    if (victim === undefined) return false;
    release(victim);
    victim.share.onDrop();
    return true;
  };
  const sumOf = (client: string): number => sums.get(client) ?? 0;
  const makeRoom = (client: string, bytes: number, self?: Entry): boolean => {
    while (sumOf(client) + bytes > clientBytes) if (!drop(client, client, self)) return false;
    while (used + bytes > most) {
      const [heaviest, sum] = [...sums].reduce((found, next) => (next[1] > found[1] ? next : found), ['', 0]);
      const isFair = heaviest === client || sum >= sumOf(client) + bytes;
      if (!isFair || !drop(heaviest, client, self)) return false;
    }
    return true;
  };
  return {
    get used() {
      return used;
    },
    reserve(client, bytes) {
      if (!makeRoom(client, bytes)) return undefined;
      const share: BodyShare = {
        onDrop: () => {},
        grow(more) {
          if (!entries.has(entry) || !makeRoom(client, more, entry)) return false;
          entry.bytes += more;
          add(client, more);
          return true;
        },
        complete() {
          entry.state = 'waiting';
        },
        keep() {
          entry.state = 'kept';
        },
        release: () => release(entry),
      };
      const entry: Entry = { client, share, bytes, state: 'arriving' };
      entries.add(entry);
      add(client, bytes);
      return share;
    },
  };
}
