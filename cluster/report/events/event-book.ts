// SPDX-License-Identifier: Apache-2.0

import { addTokens, type Bucket, type BucketLimits, refill, waitForToken } from '../../../runtime/token-bucket.ts';
import type { ClusterEvent } from './cluster-event.ts';

/** An event to write now. */
export interface EventWrite {
  /** The name of the Event object. Equal events have the same name. */
  readonly name: string;
  readonly event: ClusterEvent;
  /** The count in the Event object, or undefined if it is unknown whether the object exists. */
  readonly known: number | undefined;
  /** How often the event has happened since the last write. */
  readonly more: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** How many writes of the event have been refused. */
  readonly tries: number;
}

export interface EventLimits {
  /** The limit of writes about one object. */
  readonly object: BucketLimits;
  /** The limit of all writes. */
  readonly overall: BucketLimits;
  /** The maximum number of events that are remembered. */
  readonly most: number;
  /** The maximum number of events of one object that may wait. */
  readonly mostWaiting: number;
  /** An event that does not happen again within this time is forgotten, whether it was written or not. */
  readonly windowMs: number;
}

/** The limits. Those for one object are from client-go's EventCorrelator (tools/record/events_cache.go). */
export const eventLimits: EventLimits = {
  object: { burst: 25, refillMs: 300_000 },
  overall: { burst: 50, refillMs: 1_000 },
  most: 500,
  mostWaiting: 25,
  windowMs: 600_000,
};

/**
 * Decides which events are written, and when. A repeated event only increases a count, and one write covers all its
 * repetitions. While an event waits because of a write limit, its repetitions are still counted. Events beyond the
 * maximum numbers in `EventLimits` are dropped and counted. All times are in milliseconds on one clock.
 */
export interface EventBook {
  observe(name: string, event: ClusterEvent, nowMs: number): void;
  /** Returns the oldest event that may be written now. The caller must then call `written`, `putBack` or `drop`. */
  take(nowMs: number): EventWrite | undefined;
  /** Records that the event was written, with the count that the Event object now has. */
  written(write: EventWrite, count: number): void;
  /** Takes back an event that was not written. It waits again. `tries` is the number of refused writes. */
  putBack(write: EventWrite, tries?: number): void;
  /** Drops an event that will not be written. */
  drop(write: EventWrite): void;
  /** Returns the time until `take` may return an event, or undefined if none waits. */
  waitMs(nowMs: number): number | undefined;
  /** Returns the number of events dropped since the last call. */
  takeDropped(): number;
}

/** A remembered event. It waits if `more` is above 0. */
interface Entry {
  readonly event: ClusterEvent;
  readonly object: string;
  known: number | undefined;
  more: number;
  firstMs: number;
  lastMs: number;
  tries: number;
}

export function createEventBook(limits: EventLimits = eventLimits): EventBook {
  /** In the order in which the events were added. */
  const entries = new Map<string, Entry>();
  const buckets = new Map<string, Bucket>();
  let overall: Bucket | undefined;
  let dropped = 0;

  const forget = (nowMs: number): void => {
    for (const [name, { lastMs, more }] of entries) {
      if (Math.abs(nowMs - lastMs) < limits.windowMs) continue;
      entries.delete(name);
      dropped += more;
    }
    for (const [object, bucket] of buckets) {
      if (refill(bucket, limits.object, nowMs).tokens === limits.object.burst) buckets.delete(object);
    }
  };
  const hasRoom = (object: string, nowMs: number): boolean => {
    if (countWaiting(entries.values(), object) >= limits.mostWaiting) return false;
    if (entries.size >= limits.most) forget(nowMs);
    if (entries.size < limits.most) return true;
    const written = entries.entries().find(([, { more }]) => more === 0);
    return written !== undefined && entries.delete(written[0]);
  };
  return {
    observe(name, event, nowMs) {
      const before = entries.get(name);
      if (before !== undefined) {
        if (before.more === 0) before.firstMs = nowMs;
        before.more += 1;
        before.lastMs = nowMs;
        return;
      }
      const object = describeObject(event);
      if (hasRoom(object, nowMs))
        entries.set(name, { event, object, known: undefined, more: 1, firstMs: nowMs, lastMs: nowMs, tries: 0 });
      else dropped += 1;
    },
    take(nowMs) {
      forget(nowMs);
      const all = refill(overall, limits.overall, nowMs);
      if (waitForToken(all, limits.overall) > 0) return undefined;
      for (const [name, entry] of entries) {
        const bucket = refill(buckets.get(entry.object), limits.object, nowMs);
        if (entry.more === 0 || waitForToken(bucket, limits.object) > 0) continue;
        overall = addTokens(all, -1);
        buckets.set(entry.object, addTokens(bucket, -1));
        const { object: _, ...write } = entry;
        entry.more = 0;
        return { name, ...write };
      }
      return undefined;
    },
    written({ name }, count) {
      const entry = entries.get(name);
      if (entry === undefined) return;
      entry.known = count;
      entry.tries = 0;
    },
    putBack({ name, event, more, ...write }, tries = write.tries) {
      const object = describeObject(event);
      const entry = entries.getOrInsertComputed(name, () => ({ event, object, more: 0, ...write }));
      Object.assign(entry, { more: entry.more + more, firstMs: write.firstMs, tries });
      // A failed write does not count towards the limits, because the back-off already delays the next write.
      const bucket = buckets.get(object);
      if (bucket !== undefined) buckets.set(object, addTokens(bucket, 1));
      if (overall !== undefined) overall = addTokens(overall, 1);
    },
    drop({ name, more }) {
      dropped += more;
      if (entries.get(name)?.more === 0) entries.delete(name);
    },
    waitMs(nowMs) {
      let least: number | undefined;
      for (const { object, more } of entries.values()) {
        if (more === 0) continue;
        const wait = waitForToken(refill(buckets.get(object), limits.object, nowMs), limits.object);
        least = Math.min(least ?? wait, wait);
      }
      if (least === undefined) return undefined;
      return Math.max(least, waitForToken(refill(overall, limits.overall, nowMs), limits.overall));
    },
    takeDropped() {
      const count = dropped;
      dropped = 0;
      return count;
    },
  };
}

function countWaiting(entries: Iterable<Entry>, object: string): number {
  let count = 0;
  for (const entry of entries) if (entry.more > 0 && entry.object === object) count += 1;
  return count;
}

function describeObject({ regarding: { kind, namespace, name } }: ClusterEvent): string {
  return `${kind} ${namespace ?? ''}/${name}`;
}
