// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, type Registry } from 'prom-client';

/**
 * Every metric of the process itself, under the names that all client libraries of Prometheus have for them. The library's
 * own collection of defaults has more of them (heap spaces, handles, garbage collections), which nobody acts on, for 4 MiB.
 */
export const processMetrics = {
  kube_macvtap_build_info: 'Always 1, with the component and its version.',
  process_cpu_seconds_total: 'CPU time that the process took, in user and kernel mode.',
  process_resident_memory_bytes: 'Memory of the process that is resident.',
  process_start_time_seconds: 'When the process began, in seconds since the epoch.',
  process_open_fds: 'Open file descriptors.',
  nodejs_eventloop_lag_mean_seconds: 'By how much timers were late in the mean, since the last scrape.',
  nodejs_eventloop_lag_max_seconds: 'By how much the latest timer was late since the last scrape.',
} as const satisfies Record<string, string>;

export interface Build {
  readonly component: 'webhook' | 'nodeplugin';
  readonly version: string;
}

/** A timer each so long measures the event loop's delay: some 50 wake-ups a second, which are not seen in its CPU time. */
const resolutionMs = 20;

/** Measures from now on, until disposed. What is asked when is read at a scrape. */
export function recordProcess(registry: Registry, { component, version }: Build): Disposable {
  const gauge = (name: keyof typeof processMetrics, read: () => number) =>
    new Gauge({
      name,
      help: processMetrics[name],
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  const build = new Gauge({
    name: 'kube_macvtap_build_info',
    help: processMetrics.kube_macvtap_build_info,
    labelNames: ['component', 'version'] as const,
    registers: [registry],
  });
  build.set({ component, version }, 1);
  const startedMs = Date.now() - process.uptime() * 1_000;
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  new Counter({
    name: 'process_cpu_seconds_total',
    help: processMetrics.process_cpu_seconds_total,
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  gauge('process_resident_memory_bytes', () => process.memoryUsage.rss());
  gauge('process_start_time_seconds', () => startedMs / 1_000);
  // Without the one by which the directory itself is read.
  gauge('process_open_fds', () => readdirSync('/proc/self/fd').length - 1);
  gauge('nodejs_eventloop_lag_mean_seconds', () => lateSeconds(delay.mean));
  // The last that is read: the next scrape begins anew.
  gauge('nodejs_eventloop_lag_max_seconds', () => {
    const late = lateSeconds(delay.max);
    delay.reset();
    return late;
  });
  return { [Symbol.dispose]: () => void delay.disable() };
}

/** The histogram holds how long the timer took, its own time included, in nanoseconds; nothing at all right after a reset. */
function lateSeconds(tookNs: number): number {
  return Number.isFinite(tookNs) ? Math.max(0, tookNs / 1e9 - resolutionMs / 1e3) : 0;
}
