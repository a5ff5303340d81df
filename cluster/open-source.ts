// SPDX-License-Identifier: Apache-2.0

import { Gauge, type Registry } from 'prom-client';
import type { FlagValues } from '../runtime/flags.ts';
import { metricsOf } from '../runtime/metrics.ts';
import type { commonFlags, sourceFlags } from './cluster-flags.ts';
import { ManifestsSource } from './manifests/manifests-source.ts';
import type { LiveSource } from './source.ts';

export interface OpenSourceOptions {
  /** Reads only the objects that this node needs. A directory of manifests is always read completely. */
  readonly node?: string;
}

/**
 * Opens the source that the flags select. The result may not be synced yet. If the API server is unreachable, `faults`
 * contains the error, and the source keeps trying. Raises ApiServerUnknown if no API server is configured.
 */
export async function openSource(
  flags: FlagValues<typeof sourceFlags> & Pick<FlagValues<typeof commonFlags>, 'namespace'>,
  { node }: OpenSourceOptions = {},
): Promise<LiveSource> {
  const { source, kubeconfig, namespace: policyNamespace } = flags;
  if (source.kind === 'manifests') return await ManifestsSource.open(source.directory, policyNamespace);
  // Imported on demand, because a process that reads only a directory needs no TLS.
  const { openApiSource } = await import('./api/api-source.ts');
  return await openApiSource({ kubeconfig, policyNamespace, node });
}

/** Every metric about the objects that a process reads. */
export const sourceMetrics = {
  kube_macvtap_cache_synced: 'Whether the process has read all objects at least once: 1 or 0.',
  kube_macvtap_cache_age_seconds:
    'Seconds since the API server last confirmed the objects of a kind. At most about a minute if the watch works, and +Inf before the first read.',
  kube_macvtap_cache_faults: 'Number of errors in objects, and of current failures to read objects.',
} as const satisfies Record<string, string>;

/**
 * Registers the metrics of the source, which are computed at each scrape. The source may open later. Until then, it
 * counts as not synced.
 */
export function recordSource(
  registry: Registry,
  source: () => Pick<LiveSource, 'synced' | 'confirmedMs' | 'faults'> | undefined,
): void {
  const nameOf = metricsOf(sourceMetrics);
  const named = (name: keyof typeof sourceMetrics) => ({ ...nameOf(name), registers: [registry] });
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
      for (const [kind, confirmedMs = Number.NEGATIVE_INFINITY] of source()?.confirmedMs ?? []) {
        this.set({ kind }, (now - confirmedMs) / 1_000);
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
