// SPDX-License-Identifier: Apache-2.0
import { Gauge, type Registry } from 'prom-client';
import { resourcePrefix } from '../policy/plan/resource.ts';
import { type HealthServer, startHealthServer } from '../runtime/health-server.ts';
import type { ListenAddress } from '../runtime/listen-address.ts';
import type { Device } from './deviceplugin/device-list.ts';
import type { StrandedWatch } from './reconcile/collect-orphans.ts';
import type { LatestPlan, PlanStore } from './reconcile/follow-plan.ts';
import type { HeldTracker } from './reconcile/held-tracker.ts';
import type { ResourcePlugins } from './reconcile/resource-plugins.ts';
import { named } from './work-metrics.ts';

export interface ServeHealthOptions {
  /** If absent, no port is opened. */
  readonly address: ListenAddress | undefined;
  readonly metrics: Registry;
  readonly resources: Pick<ResourcePlugins, 'listed' | 'unregistered'>;
  readonly held: Pick<HeldTracker, 'current'>;
  readonly stranded: Pick<StrandedWatch, 'current'>;
  readonly plan: Pick<PlanStore, 'current' | 'isKnown'>;
  /** Aborts when the process ends. From then on, the process is not ready. */
  readonly signal: AbortSignal;
}

/**
 * Serves the node plugin's metrics and its readiness. The node plugin is ready if it has a plan and all its resources
 * are registered with kubelet. Returns undefined without an address. Raises `ListenFailed`.
 */
export async function serveHealth(options: ServeHealthOptions): Promise<HealthServer | undefined> {
  const { address, metrics, resources, held, stranded, plan, signal } = options;
  recordGauges(metrics, () => ({
    listed: resources.listed,
    held: new Set(held.current().map(({ id }) => id)),
    unregistered: resources.unregistered,
    stranded: stranded.current.length,
    ...(plan.current !== undefined && { plan: plan.current }),
  }));
  const missing = () => [
    ...(signal.aborted ? ['ending'] : []),
    ...(plan.isKnown ? [] : ['there is no plan yet']),
    ...resources.unregistered.map((name) => `kubelet has not registered ${resourcePrefix}${name} yet`),
  ];
  return address && (await startHealthServer({ address, metrics, missing }));
}

/** The values of the gauges at one moment. */
export interface GaugeValues {
  /** The devices of each resource as reported to kubelet. */
  readonly listed: ReadonlyMap<string, readonly Device[]>;
  /** The IDs of devices that pods hold, or may hold. */
  readonly held: ReadonlySet<string>;
  /** Resources that are not registered with kubelet. */
  readonly unregistered: readonly string[];
  /** The number of stranded attachments. */
  readonly stranded: number;
  /** Absent before the first plan. */
  readonly plan?: LatestPlan;
}

/**
 * Registers the gauges. Their values are read at each scrape, so that there is no series for a resource that is no
 * longer served.
 */
export function recordGauges(registry: Registry, read: () => GaugeValues): void {
  const registers = [registry];
  new Gauge({
    ...named('kube_macvtap_node_devices'),
    labelNames: ['resource', 'health', 'state'] as const,
    registers,
    collect() {
      this.reset();
      const { listed, held } = read();
      for (const [resource, devices] of listed) {
        for (const health of ['Healthy', 'Unhealthy'] as const) {
          const such = devices.filter(({ healthy }) => healthy === (health === 'Healthy'));
          const holding = such.filter(({ id }) => held.has(id)).length;
          this.set({ resource, health, state: 'held' }, holding);
          this.set({ resource, health, state: 'free' }, such.length - holding);
        }
      }
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_resource_registered'),
    labelNames: ['resource'] as const,
    registers,
    collect() {
      this.reset();
      const { listed, unregistered } = read();
      for (const resource of listed.keys()) this.set({ resource }, unregistered.includes(resource) ? 0 : 1);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_stranded_attachments'),
    registers,
    collect() {
      this.set(read().stranded);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_plan_in_force'),
    registers,
    collect() {
      this.set(read().plan?.isInForce ? 1 : 0);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_plan_timestamp_seconds'),
    registers,
    collect() {
      this.set((read().plan?.madeMs ?? Number.NaN) / 1_000);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_plan_findings'),
    labelNames: ['code'] as const,
    registers,
    collect() {
      this.reset();
      for (const code of findingsOf(read())) this.inc({ code });
    },
  });
}

/**
 * Returns the codes of the plan's findings. Links that implicit exposure skips are not findings, because no policy
 * names them.
 */
function findingsOf({ plan }: GaugeValues): readonly string[] {
  if (plan === undefined) return [];
  const { skipped, conflicts } = plan.plan;
  return [...skipped.filter(({ source }) => source !== 'implicit'), ...conflicts].map(({ code }) => code);
}
