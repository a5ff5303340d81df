// SPDX-License-Identifier: Apache-2.0
import type { Log } from '../../../runtime/log.ts';
import type { SourceOrigin } from '../../source.ts';
import type { EventRecorder } from './cluster-event.ts';
import { countWrites, type EventCounter } from './count-events.ts';
import { createEventWriter, type EventSource } from './event-writer.ts';
import { recordEvents } from './record-events.ts';

/** Records events where the source is: in the cluster, or, where that is a directory, in the log alone. */
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
      if (error === undefined) log.info({}, 'events are written');
      else log.warn({ error }, 'an event is not written');
    },
    onDropped(dropped) {
      count('dropped', dropped);
      log.warn({ count: dropped }, 'events were dropped: too many, too old, or refused');
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
