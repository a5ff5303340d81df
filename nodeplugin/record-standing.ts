// SPDX-License-Identifier: Apache-2.0
import { Gauge, type Registry } from 'prom-client';
import type { Device } from './deviceplugin/device-list.ts';
import { named } from './metric-table.ts';
import type { KeptPlan } from './reconcile/keep-plan.ts';

/** What the node plugin has at a moment. */
export interface Standing {
  /** What kubelet is told of each resource. */
  readonly listed: ReadonlyMap<string, readonly Device[]>;
  /** The IDs of devices that pods hold, or may hold. */
  readonly held: ReadonlySet<string>;
  /** Resources that kubelet does not know, or no longer. */
  readonly unregistered: readonly string[];
  /** Absent while none was made. */
  readonly plan?: KeptPlan;
}

/** Read when it is asked for: a resource that is no longer served has no devices, not none. */
export function recordStanding(registry: Registry, standing: () => Standing): void {
  const registers = [registry];
  new Gauge({
    ...named('kube_macvtap_node_devices'),
    labelNames: ['resource', 'health', 'state'] as const,
    registers,
    collect() {
      this.reset();
      const { listed, held } = standing();
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
      const { listed, unregistered } = standing();
      for (const resource of listed.keys()) this.set({ resource }, unregistered.includes(resource) ? 0 : 1);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_plan_in_force'),
    registers,
    collect() {
      this.set(standing().plan?.isInForce ? 1 : 0);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_plan_timestamp_seconds'),
    registers,
    collect() {
      this.set((standing().plan?.madeMs ?? Number.NaN) / 1_000);
    },
  });
  new Gauge({
    ...named('kube_macvtap_node_plan_findings'),
    labelNames: ['code'] as const,
    registers,
    collect() {
      this.reset();
      for (const code of findingsOf(standing())) this.inc({ code });
    },
  });
}

/** Implicit exposure passes over links that nobody asked for: no finding. */
function findingsOf({ plan }: Standing): readonly string[] {
  if (plan === undefined) return [];
  const { skipped, conflicts } = plan.plan;
  return [...skipped.filter(({ source }) => source !== 'implicit'), ...conflicts].map(({ code }) => code);
}
