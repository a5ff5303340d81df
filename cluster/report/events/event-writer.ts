// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { Registry } from 'prom-client';
import { isJsonObject } from '../../../policy/json.ts';
import { createCounter, metricsOf } from '../../../runtime/metrics.ts';
import { printable } from '../../../runtime/terminal-text.ts';
import { refused } from '../../api/api-errors.ts';
import { toMetaTime } from '../../api/api-resource.ts';
import type { ApiClient, ApiResponse } from '../../api/client.ts';
import type { ClusterEvent } from './cluster-event.ts';
import type { EventWrite } from './event-book.ts';

/** Writes events. */
export interface EventWriter {
  /** Writes the event and returns the new count in the Event object. Raises an error if the write fails. */
  write(write: EventWrite, signal: AbortSignal): Promise<number>;
}

/** The source of events: the program, and the node or pod where it runs. */
export interface EventSource {
  readonly component: string;
  readonly instance: string;
}

/**
 * Creates a writer of core/v1 events with a count, like those of kubelet. It does not use events.k8s.io/v1 with its
 * series, because that API does not allow setting lastTimestamp. `kubectl describe`, and sorting by .lastTimestamp, put
 * an event without lastTimestamp before all others (k8s.io/kubectl 0.34, pkg/util/event).
 *
 * A patch increases the count of an existing event. Whether the event exists, and its count, is in the response to a
 * create request or to an empty patch. The writer therefore needs no permission to read events.
 */
export function createEventWriter(client: ApiClient, source: EventSource): EventWriter {
  return {
    async write(write, signal) {
      const { name, event, known, more, lastMs } = write;
      const namespace = event.regarding.namespace ?? 'default';
      const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/events`;
      const what = `event ${event.reason} on ${event.regarding.kind} ${event.regarding.name}`;
      const patch = (body: object) =>
        client.request('PATCH', `${path}/${encodeURIComponent(name)}`, body, { contentType: mergePatch, signal });
      const countUp = async (before: number): Promise<number | undefined> => {
        const answer = await patch({ count: before + more, lastTimestamp: toMetaTime(lastMs) });
        return countOf(answer, `count up ${what}`);
      };
      const create = () => client.request('POST', path, toObject(write, namespace, source), { signal });

      const counted = known === undefined ? undefined : await countUp(known);
      if (counted !== undefined) return counted;
      const created = await create();
      if (created.status < 300) return more;
      if (created.status !== 409) throw refused(`write ${what}`, created);
      const before = countOf(await patch({}), `read ${what}`);
      // The event was deleted between the two requests. The recorder will retry.
      if (before === undefined) throw refused(`write ${what}`, created);
      return (await countUp(before)) ?? before;
    },
  };
}

const mergePatch = 'application/merge-patch+json';

/**
 * Returns the count of an event, or undefined if the event does not exist, for example because it expired after an
 * hour.
 */
function countOf(answer: ApiResponse, what: string): number | undefined {
  if (answer.status === 404) return undefined;
  if (answer.status >= 300) throw refused(what, answer);
  const { body } = answer;
  return isJsonObject(body) && typeof body.count === 'number' ? body.count : 1;
}

function toObject({ name, event, more, firstMs, lastMs }: EventWrite, namespace: string, source: EventSource): object {
  const { type, reason, action, regarding, note } = event;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace },
    involvedObject: regarding,
    type,
    reason,
    action,
    message: clipNote(note),
    count: more,
    firstTimestamp: toMetaTime(firstMs),
    lastTimestamp: toMetaTime(lastMs),
    source: { component: source.component, host: source.instance },
    reportingComponent: source.component,
    reportingInstance: source.instance,
  };
}

/**
 * Returns the name of the Event object. Equal events have equal names, so that a process finds the events that it wrote
 * before a restart.
 *
 * @example 'vm-a.5f1d2c3b4a596877'
 */
export function nameEvent(component: string, { type, reason, action, regarding, note }: ClusterEvent): string {
  const { apiVersion, kind, namespace, name, uid } = regarding;
  const identity = JSON.stringify([component, type, reason, action, apiVersion, kind, namespace, name, uid, note]);
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return `${name.slice(0, longestSubject).replace(/[^a-z0-9]+$/, '')}.${hash}`;
}

/**
 * The maximum number of characters of the object's name that are part of the event's name. Names have at most 253
 * characters.
 */
const longestSubject = 253 - '.5f1d2c3b4a596877'.length;

/**
 * The maximum number of bytes of a message in UTF-8 (NoteLengthLimit in k8s.io/kubernetes
 * pkg/apis/core/validation/events.go).
 */
const longestNoteBytes = 1_024;

/** Returns the text on one line, cut to the length limit of events. Cut text ends with `…`. */
export function clipNote(text: string): string {
  const line = printable(text.toWellFormed().replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')).trim();
  if (Buffer.byteLength(line) <= longestNoteBytes) return line;
  const room = new Uint8Array(longestNoteBytes - Buffer.byteLength('…'));
  // encodeInto writes only whole characters.
  const { read } = new TextEncoder().encodeInto(line, room);
  return `${line.slice(0, read).trimEnd()}…`;
}

/** Every metric about events. */
export const eventMetrics = {
  kube_macvtap_events_total:
    'Events by outcome: written, failed (the write is tried again), or dropped (too many, too old, or refused by the API server).',
} as const satisfies Record<string, string>;

const outcomes = ['written', 'failed', 'dropped'] as const;

/** Called with an outcome and the number of events with that outcome. */
export type EventCounter = (outcome: (typeof outcomes)[number], count: number) => void;

/** Returns a counter of events in a registry. All counts start at 0. */
export function countEvents(registry: Registry): EventCounter {
  const counter = createCounter(registry, metricsOf(eventMetrics)('kube_macvtap_events_total'), { outcome: outcomes });
  return (outcome, count) => counter.inc({ outcome }, count);
}

/** Wraps a writer, and counts the outcome of each write that was not aborted. */
export function countWrites(writer: EventWriter, count: EventCounter): EventWriter {
  return {
    async write(write, signal) {
      try {
        const times = await writer.write(write, signal);
        count('written', 1);
        return times;
      } catch (thrown) {
        if (!signal.aborted) count('failed', 1);
        throw thrown;
      }
    },
  };
}
