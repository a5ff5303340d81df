// SPDX-License-Identifier: Apache-2.0
import type { Registry } from 'prom-client';
import { createCounter } from '../../../runtime/metrics.ts';
import type { EventWriter } from './event-writer.ts';

/** Every metric of the events that a process writes. */
export const eventMetrics = {
  kube_macvtap_events_total:
    'Events by what became of them: written; failed, to be tried again; dropped as too many, too old, or refused.',
} as const satisfies Record<string, string>;

const outcomes = ['written', 'failed', 'dropped'] as const;

/** Told of so many events, and what became of them. */
export type EventCounter = (outcome: (typeof outcomes)[number], count: number) => void;

/** Counts in a registry, from 0. */
export function countEvents(registry: Registry): EventCounter {
  const name = 'kube_macvtap_events_total';
  const counter = createCounter(registry, { name, help: eventMetrics[name] }, { outcome: outcomes });
  return (outcome, count) => counter.inc({ outcome }, count);
}

/** The same writer, whose writes are counted, but for those that are given up. */
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
