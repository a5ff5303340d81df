// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../../runtime/errors.ts';
import type { Log } from '../../../runtime/log.ts';
import { type Pause, pause as reallyPause } from '../../../runtime/pause.ts';
import { isUnreachable, skipRepeatedErrors } from '../../api/api-errors.ts';
import { backOffMs } from '../../api/back-off.ts';
import type { SourceOrigin } from '../../source.ts';
import type { EventRecorder } from './cluster-event.ts';
import { createEventBook, type EventLimits, type EventWrite } from './event-book.ts';
import {
  countWrites,
  createEventWriter,
  type EventCounter,
  type EventSource,
  type EventWriter,
  nameEvent,
} from './event-writer.ts';

/** Returns a recorder that writes events to the cluster. If the source is a directory, events are only logged. */
export function openEventRecorder(
  origin: SourceOrigin,
  source: EventSource,
  log: Log,
  count: EventCounter = () => {},
): EventRecorder & AsyncDisposable {
  if (origin.kind === 'manifests') return logEvents(log);
  return recordEvents({
    writer: countWrites(createEventWriter(origin.client, source), count),
    component: source.component,
    onState(error) {
      if (error === undefined) log.info({}, 'events are written again');
      else log.warn({ error }, 'writing an event failed');
    },
    onDropped(dropped) {
      count('dropped', dropped);
      log.warn({ count: dropped }, 'events dropped: too many, too old, or refused');
    },
  });
}

function logEvents(log: Log): EventRecorder & AsyncDisposable {
  return {
    record: ({ type, reason, action, regarding, note }) =>
      log[type === 'Warning' ? 'warn' : 'info']({ reason, action, regarding, note }, 'event'),
    async [Symbol.asyncDispose]() {},
  };
}

/** Callbacks for the outcome of events. */
interface EventNotices {
  /** Called with each error whose message differs from the previous one, and with undefined when writes work again. */
  readonly onState: (error: MacvtapError | undefined) => void;
  /** Called with the number of dropped events: they exceeded the limits, were too old, or were refused. */
  readonly onDropped: (count: number) => void;
}

export interface RecordOptions extends EventNotices {
  readonly writer: EventWriter;
  /** The component that events name. @example 'kube-macvtap-nodeplugin' */
  readonly component: string;
  readonly limits?: EventLimits;
  readonly timings?: Partial<RecorderTimings>;
  readonly now?: () => number;
  readonly pause?: Pause;
}

interface RecorderTimings {
  /**
   * How long to collect events before a write. The delay combines bursts, and lets the caller finish its own response
   * first.
   */
  readonly coalesceMs: number;
  /** How long waiting events are still written after the recorder was disposed of. */
  readonly graceMs: number;
}

const defaults: RecorderTimings = { coalesceMs: 100, graceMs: 500 };

/** The number of refused writes after which an event is dropped. */
const mostTries = 5;

/**
 * Writes events in the background, one after another, within the limits of the event book. While the API server is
 * unreachable, events are kept within these limits. An event that is refused permanently is dropped. `record` never
 * raises.
 */
export function recordEvents(options: RecordOptions): EventRecorder & AsyncDisposable {
  const { writer, component, limits, onState, onDropped, timings, now = Date.now, pause = reallyPause } = options;
  const { coalesceMs, graceMs } = { ...defaults, ...timings };
  const book = createEventBook(limits);
  const scope = new AbortController();
  const ending = new AbortController();
  let news = Promise.withResolvers<void>();
  let failures = 0;
  const setState = skipRepeatedErrors(onState);

  const writeOne = async (write: EventWrite): Promise<void> => {
    try {
      book.written(write, await writer.write(write, scope.signal));
      failures = 0;
      setState(undefined);
    } catch (thrown) {
      const error = MacvtapError.from(thrown);
      const isOutage = isUnreachable(error);
      const tries = write.tries + 1;
      if (isOutage) book.putBack(write);
      else if (isRetryable(error) && tries < mostTries) book.putBack(write, tries);
      else book.drop(write);
      failures += 1;
      if (!scope.signal.aborted) setState(error);
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
    let reportedDroppedMs = Number.NEGATIVE_INFINITY;
    while (!ending.signal.aborted) {
      await wait(book.waitMs(now()));
      await pause(coalesceMs, ending.signal);
      news = Promise.withResolvers();
      for (let write = book.take(now()); write !== undefined; write = book.take(now())) {
        await writeOne(write);
        if (ending.signal.aborted && failures > 0) return;
      }
      if (Math.abs(now() - reportedDroppedMs) < droppedEveryMs) continue;
      const dropped = book.takeDropped();
      if (dropped === 0) continue;
      reportedDroppedMs = now();
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
        // A bug in this code must not affect the caller.
        setState(MacvtapError.from(thrown));
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

/** The minimum time between two reports of dropped events. */
const droppedEveryMs = 60_000;

/**
 * Returns whether another attempt may succeed. A conflict, too many requests and a server error end by themselves. 401
 * and 403 can also end: an API server that has just started denies requests until it has read tokens and roles.
 */
function isRetryable({ code, facts }: MacvtapError): boolean {
  const status = Number(facts.status ?? 0);
  return code !== 'ApiServerRefused' || [401, 403, 409, 429].includes(status) || status >= 500;
}
