// SPDX-License-Identifier: Apache-2.0
import { Gauge, type Registry } from 'prom-client';
import type { LiveSource } from './source.ts';

/** Every metric of what a process knows of the cluster. */
export const sourceMetrics = {
  kube_macvtap_cache_synced: 'Whether all objects were read once: 1 or 0.',
  kube_macvtap_cache_age_seconds:
    'Since when the newest state of a kind of object has not been confirmed; up to about a minute on a watch that is good, and +Inf before it was read once.',
  kube_macvtap_cache_faults: 'Objects that are not taken in as they are, and outages.',
} as const satisfies Record<string, string>;

/** Read when they are asked for. The source may be opened later: until then nothing is synced. */
export function recordSource(
  registry: Registry,
  source: () => Pick<LiveSource, 'synced' | 'heardMs' | 'faults'> | undefined,
): void {
  const named = (name: keyof typeof sourceMetrics) => ({ name, help: sourceMetrics[name], registers: [registry] });
  new Gauge({
    ...named('kube_macvtap_cache_synced'),
    collect() {
      this.set(source()?.synced ? 1 : 0);
    },
  });
  new Gauge({
    ...named('kube_macvtap_cache_age_seconds'),
    labelNames: ['kind'] as const,
    collect() {
      const now = performance.now();
      for (const [kind, heardMs = Number.NEGATIVE_INFINITY] of source()?.heardMs ?? []) {
        this.set({ kind }, (now - heardMs) / 1_000);
      }
    },
  });
  new Gauge({
    ...named('kube_macvtap_cache_faults'),
    collect() {
      this.set(source()?.faults.length ?? 0);
    },
  });
}
