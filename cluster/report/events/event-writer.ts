// SPDX-License-Identifier: Apache-2.0

import type { ApiClient, ApiResponse } from '../../api/client.ts';
import { refused } from '../../api/refused.ts';
import { isRecord } from '../../objects/known-object.ts';
import { clipNote } from './clip-note.ts';
import type { EventWrite } from './event-book.ts';

/** Puts an event where people find it. */
export interface EventWriter {
  /** Returns how often it has happened, by what is written now. Raises. */
  write(write: EventWrite, signal: AbortSignal): Promise<number>;
}

/** Who writes events: the program, and the node or pod that it runs on. */
export interface EventSource {
  readonly component: string;
  readonly instance: string;
}

/**
 * Writes events of core/v1, with a count, as kubelet does, and not of events.k8s.io with its series: `kubectl describe`,
 * and whoever sorts by .lastTimestamp, puts an event without lastTimestamp before all others (k8s.io/kubectl 0.34,
 * pkg/util/event), and events.k8s.io/v1 lets nobody set it.
 *
 * One that is there already is counted up by a patch. Whether it is, and its count, is told by the answer to a creation or
 * to an empty patch, so that no right to read is needed.
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
        const answer = await patch({ count: before + more, lastTimestamp: toTime(lastMs) });
        return countOf(answer, `count up ${what}`);
      };
      const create = () => client.request('POST', path, toObject(write, namespace, source), { signal });

      const counted = known === undefined ? undefined : await countUp(known);
      if (counted !== undefined) return counted;
      const created = await create();
      if (created.status < 300) return more;
      if (created.status !== 409) throw refused(`write ${what}`, created);
      const before = countOf(await patch({}), `read ${what}`);
      // Gone between two requests: it is tried again.
      if (before === undefined) throw refused(`write ${what}`, created);
      return (await countUp(before)) ?? before;
    },
  };
}

const mergePatch = 'application/merge-patch+json';

/** Undefined where the event is not there (any more: it lives for an hour). */
function countOf(answer: ApiResponse, what: string): number | undefined {
  if (answer.status === 404) return undefined;
  if (answer.status >= 300) throw refused(what, answer);
  const { body } = answer;
  return isRecord(body) && typeof body.count === 'number' ? body.count : 1;
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
    firstTimestamp: toTime(firstMs),
    lastTimestamp: toTime(lastMs),
    source: { component: source.component, host: source.instance },
    reportingComponent: source.component,
    reportingInstance: source.instance,
  };
}

/** metav1.Time has whole seconds. */
function toTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
