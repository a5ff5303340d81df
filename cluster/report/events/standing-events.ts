// SPDX-License-Identifier: Apache-2.0
import type { ClusterEvent } from './cluster-event.ts';

/** What the state of the cluster gives reason for, for as long as it stands. */
export interface StandingEvent {
  /** What it is about; its text may differ from look to look, as a number of nodes does while they report. */
  readonly key: string;
  readonly event: ClusterEvent;
}

/** Remembers what was told of what stands. */
export interface StandingEvents {
  /** All that stands now; returns what is to be told, each once for as long as it stands. */
  look(standing: readonly StandingEvent[], nowMs: number): readonly ClusterEvent[];
  /** In how many milliseconds something may be to be told; undefined while nothing may. */
  waitMs(nowMs: number): number | undefined;
}

/**
 * Something that has stood for `settleMs` is told: objects of one `kubectl apply` come one after another, and nodes need a
 * moment to follow them.
 */
export function createStandingEvents(settleMs: number): StandingEvents {
  const sinceMs = new Map<string, number>();
  const told = new Set<string>();
  return {
    look(standing, nowMs) {
      const now = new Map(standing.map(({ key, event }) => [key, event]));
      for (const key of sinceMs.keys()) {
        if (now.has(key)) continue;
        sinceMs.delete(key);
        told.delete(key);
      }
      return [...now].flatMap(([key, event]) => {
        const since = sinceMs.getOrInsert(key, nowMs);
        if (told.has(key) || nowMs - since < settleMs) return [];
        told.add(key);
        return [event];
      });
    },
    waitMs(nowMs) {
      const waits = [...sinceMs].flatMap(([key, since]) => (told.has(key) ? [] : [since + settleMs - nowMs]));
      return waits.length === 0
        ? undefined
        : Math.max(
            0,
            waits.reduce((least, wait) => Math.min(least, wait)),
          );
    },
  };
}
