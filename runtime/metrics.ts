// SPDX-License-Identifier: Apache-2.0

import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/**
 * Creates the registry of a process. Functions that record metrics get it as an argument. The library's global registry
 * stays empty.
 */
export function createMetrics(): Registry {
  return new Registry();
}

/** A metric's name and help text. */
export interface NamedMetric {
  readonly name: string;
  readonly help: string;
}

/**
 * Returns a function that looks up a metric's name and help text in a table. The table is a contract: a test compares
 * it with a page in docs/. A metric that is missing in the table fails type checking.
 *
 * @example new Gauge({ ...metricsOf(sourceMetrics)('kube_macvtap_cache_synced'), registers: [registry] })
 */
export function metricsOf<Name extends string>(table: Readonly<Record<Name, string>>): (name: Name) => NamedMetric {
  return (name) => ({ name, help: table[name] });
}

/** Labels with all values that each can have. @example { verb: ['mutate', 'validate'] } */
type ClosedLabels = Readonly<Record<string, readonly string[]>>;

/**
 * Creates a counter whose labels have fixed sets of values. Every combination of values starts at 0, so that rates
 * include the first event. The number of time series is the product of the sizes of the sets.
 */
export function createCounter<Labels extends ClosedLabels>(
  registry: Registry,
  named: NamedMetric,
  labels: Labels,
): Counter<keyof Labels & string> {
  const labelNames = Object.keys(labels) as (keyof Labels & string)[];
  const counter = new Counter({ ...named, labelNames, registers: [registry] });
  for (const combination of combine(labels)) counter.inc(combination as Parameters<typeof counter.inc>[0] & object, 0);
  return counter;
}

/** Creates a histogram whose labels have fixed sets of values. `buckets` are upper bounds in the unit of the metric. */
export function createHistogram<Labels extends ClosedLabels>(
  registry: Registry,
  named: NamedMetric & { readonly buckets: readonly number[] },
  labels: Labels,
): Histogram<keyof Labels & string> {
  const labelNames = Object.keys(labels) as (keyof Labels & string)[];
  const histogram = new Histogram({ ...named, buckets: [...named.buckets], labelNames, registers: [registry] });
  for (const combination of combine(labels)) histogram.zero(combination as Parameters<typeof histogram.zero>[0]);
  return histogram;
}

/** Returns every combination of one value for each label. */
function combine(labels: ClosedLabels): readonly Readonly<Record<string, string>>[] {
  return Object.entries(labels).reduce<readonly Readonly<Record<string, string>>[]>(
    (found, [label, values]) => found.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );
}

/**
 * Every metric of the process itself, with the names that all Prometheus client libraries use. The library's default
 * metrics (heap spaces, handles, garbage collections) are not included: they cost 4 MiB, and no alert needs them.
 */
export const processMetrics = {
  kube_macvtap_build_info: 'Always 1, with the component and its version.',
  process_cpu_seconds_total: 'CPU time of the process, in user and kernel mode.',
  process_resident_memory_bytes: 'Resident memory of the process.',
  process_start_time_seconds: 'Start time of the process, in seconds since the epoch.',
  process_open_fds: 'Open file descriptors.',
  nodejs_eventloop_lag_mean_seconds: 'Mean delay of timers since the last scrape.',
  nodejs_eventloop_lag_max_seconds: 'Longest delay of a timer since the last scrape.',
} as const satisfies Record<string, string>;

export interface Build {
  readonly component: 'webhook' | 'nodeplugin';
  readonly version: string;
}

const named = metricsOf(processMetrics);

/**
 * The interval of the timer that measures the delay of the event loop. 50 wake-ups a second cost almost no CPU time.
 */
const resolutionMs = 20;

/** Measures the process until disposed. The values are read at each scrape. */
export function recordProcess(registry: Registry, { component, version }: Build): Disposable {
  const gauge = (name: keyof typeof processMetrics, read: () => number) =>
    new Gauge({
      ...named(name),
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const build = new Gauge({
    ...named('kube_macvtap_build_info'),
    labelNames: ['component', 'version'] as const,
    registers: [registry],
  });
  build.set({ component, version }, 1);
  const startedMs = Date.now() - process.uptime() * 1_000;
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  new Counter({
    ...named('process_cpu_seconds_total'),
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge('process_resident_memory_bytes', () => process.memoryUsage.rss());
  gauge('process_start_time_seconds', () => startedMs / 1_000);
  // Subtract the descriptor that reads the directory.
  gauge('process_open_fds', () => readdirSync('/proc/self/fd').length - 1);
  gauge('nodejs_eventloop_lag_mean_seconds', () => lateSeconds(delay.mean));
  // This must be read last, because it resets the histogram for the next scrape.
  gauge('nodejs_eventloop_lag_max_seconds', () => {
    const late = lateSeconds(delay.max);
    delay.reset();
    return late;
  });
  return { [Symbol.dispose]: () => void delay.disable() };
}

/**
 * Converts a value of the histogram to a delay in seconds. The value is in nanoseconds and includes the timer's
 * interval. Directly after a reset, it is not finite.
 */
function lateSeconds(tookNs: number): number {
  return Number.isFinite(tookNs) ? Math.max(0, tookNs / 1e9 - resolutionMs / 1e3) : 0;
}
