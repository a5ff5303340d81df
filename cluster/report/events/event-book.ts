// SPDX-License-Identifier: Apache-2.0
import type { ClusterEvent } from './cluster-event.ts';
import { addTokens, type Bucket, type BucketLimits, refill, waitForToken } from './token-bucket.ts';

/** An event that is to be written now. */
export interface EventWrite {
  /** Of the Event object, by which equal events are known. */
  readonly name: string;
  readonly event: ClusterEvent;
  /** How often it is written to have happened; undefined where nobody knows whether it is written at all. */
  readonly known: number | undefined;
  /** How often it happened since. */
  readonly more: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** How often it was refused so far. */
  readonly tries: number;
}

export interface EventLimits {
  /** Writes about one object. */
  readonly object: BucketLimits;
  /** Writes in all. */
  readonly overall: BucketLimits;
  /** How many events are remembered. */
  readonly most: number;
  /** How many of them wait for one object. */
  readonly mostWaiting: number;
  /** What has not happened for so long is forgotten, written or not. */
  readonly windowMs: number;
}

/** Per object as client-go's EventCorrelator has it (tools/record/events_cache.go: 25, one more in five minutes). */
export const eventLimits: EventLimits = {
  object: { burst: 25, refillMs: 300_000 },
  overall: { burst: 50, refillMs: 1_000 },
  most: 500,
  mostWaiting: 25,
  windowMs: 600_000,
};

/**
 * Which events are written when. What happens again counts up and costs one write for all of it; what must wait for its
 * turn is counted meanwhile, so that no count is lost to a limit. What is beyond the bounds is dropped and counted.
 * Times are in milliseconds on one clock, which the caller looks at.
 */
export interface EventBook {
  observe(name: string, event: ClusterEvent, nowMs: number): void;
  /** What may be written now, oldest first; the caller then tells what became of it. */
  take(nowMs: number): EventWrite | undefined;
  /** It is written, with this count. */
  written(write: EventWrite, count: number): void;
  /** It is not, and waits again; `tries` is how often it was refused by now. */
  putBack(write: EventWrite, tries?: number): void;
  /** It never will be. */
  drop(write: EventWrite): void;
  /** In how many milliseconds there may be something to take; undefined while nothing waits. */
  waitMs(nowMs: number): number | undefined;
  /** How many were dropped since it was asked last. */
  takeDropped(): number;
}

/** An event that is remembered; it waits while `more` is above 0. */
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
  /** In the order in which they were heard of last. */
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
      // What was not written costs nothing: whoever fails must wait for another reason.
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
