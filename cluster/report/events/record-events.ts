// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import { isUnreachable } from '../../api/is-unreachable.ts';
import { backOffMs } from '../../api/pace.ts';
import { type Pause, pause as reallyPause } from '../../api/pause.ts';
import type { EventRecorder } from './cluster-event.ts';
import { createEventBook, type EventLimits, type EventWrite } from './event-book.ts';
import type { EventWriter } from './event-writer.ts';
import { nameEvent } from './name-event.ts';

/** Told of what becomes of events; nobody else is. */
interface EventNotices {
  /** The first failure, each one with another text, and, without an error, that writing works again. */
  readonly onState: (error: MacvtapError | undefined) => void;
  /** So many were dropped: beyond the limits, too old, or refused. */
  readonly onDropped: (count: number) => void;
}

export interface RecordOptions extends EventNotices {
  readonly writer: EventWriter;
  /** Names the events' source. @example 'kube-macvtap-nodeplugin' */
  readonly component: string;
  readonly limits?: EventLimits;
  readonly timings?: Partial<RecorderTimings>;
  readonly now?: () => number;
  readonly pause?: Pause;
}

interface RecorderTimings {
  /** Whoever has something happen answers for it first, and what comes in a burst is written together. */
  readonly coalesceMs: number;
  /** How long what still waits is written at the end. */
  readonly graceMs: number;
}

const defaults: RecorderTimings = { coalesceMs: 100, graceMs: 500 };

/** An answer that refuses may be another one next time, but not for ever. */
const mostTries = 5;

/**
 * Writes events in the background, one after another, within the limits of the book. While the API server is away they
 * are kept, as many as the book holds and as long as its window; one that is refused for good is dropped. Nothing is
 * raised to whoever records.
 */
export function recordEvents(options: RecordOptions): EventRecorder & AsyncDisposable {
  const { writer, component, limits, onState, onDropped, timings, now = Date.now, pause = reallyPause } = options;
  const { coalesceMs, graceMs } = { ...defaults, ...timings };
  const book = createEventBook(limits);
  const scope = new AbortController();
  const ending = new AbortController();
  let news = Promise.withResolvers<void>();
  let failures = 0;
  let told: string | undefined;

  const tell = (error: MacvtapError | undefined): void => {
    if (error?.message !== told) onState(error);
    told = error?.message;
  };
  const writeOne = async (write: EventWrite): Promise<void> => {
    try {
      book.written(write, await writer.write(write, scope.signal));
      failures = 0;
      tell(undefined);
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      const isOutage = isUnreachable(error);
      const tries = write.tries + 1;
      if (isOutage) book.putBack(write);
      else if (mayHeal(error) && tries < mostTries) book.putBack(write, tries);
      else book.drop(write);
      failures += 1;
      if (!scope.signal.aborted) tell(error);
      await pause(backOffMs(failures, { isOutage }), ending.signal);
    }
  };
  const wait = async (ms: number | undefined): Promise<void> => {
    if (ms === undefined) return await news.promise;
    const over = new AbortController();
    await Promise.race([news.promise, pause(ms, over.signal)]);
    over.abort();
  };
  const run = async (): Promise<void> => {
    let toldDroppedMs = Number.NEGATIVE_INFINITY;
    while (!ending.signal.aborted) {
      await wait(book.waitMs(now()));
      await pause(coalesceMs, ending.signal);
      news = Promise.withResolvers();
      for (let write = book.take(now()); write !== undefined; write = book.take(now())) {
        await writeOne(write);
        if (ending.signal.aborted && failures > 0) return;
      }
      if (Math.abs(now() - toldDroppedMs) < droppedEveryMs) continue;
      const dropped = book.takeDropped();
      if (dropped === 0) continue;
      toldDroppedMs = now();
      onDropped(dropped);
    }
  };
  const running = run();
  return {
    record(event) {
      if (ending.signal.aborted) return;
      try {
        book.observe(nameEvent(component, event), event, now());
      } catch (thrown) {
        // A bug here is no reason to fail what the event is about.
        tell(MacvtapError.from(thrown));
      }
      news.resolve();
    },
    async [Symbol.asyncDispose]() {
      ending.abort();
      news.resolve();
      const timer = setTimeout(() => scope.abort(), graceMs);
      await running;
      clearTimeout(timer);
    },
  };
}

/** A flood is told of now and then. */
const droppedEveryMs = 60_000;

/** Too many requests, a conflict, or a server in trouble; anything else would be refused again. */
function mayHeal({ code, facts }: MacvtapError): boolean {
  const status = Number(facts.status ?? 0);
  return code !== 'ApiServerRefused' || status === 409 || status === 429 || status >= 500;
}
