// SPDX-License-Identifier: Apache-2.0
import { Gauge, type Registry } from 'prom-client';
import type { Device } from './deviceplugin/device-list.ts';

/** Every metric of the node plugin. The names are a contract: docs/node-plugin.md has the same table. */
export const nodePluginMetrics = {
  kube_macvtap_node_devices: 'Devices that kubelet is told of, by resource and health.',
} as const satisfies Record<string, string>;

/** Reads the lists when they are asked for: a resource that is no longer served has no devices, not none. */
export function recordDevices(registry: Registry, listed: () => ReadonlyMap<string, readonly Device[]>): void {
  const name = 'kube_macvtap_node_devices';
  new Gauge({
    name,
    help: nodePluginMetrics[name],
    labelNames: ['resource', 'health'] as const,
    registers: [registry],
    collect() {
      this.reset();
      for (const [resource, devices] of listed()) {
        const healthy = devices.filter((device) => device.healthy).length;
        this.set({ resource, health: 'Healthy' }, healthy);
        this.set({ resource, health: 'Unhealthy' }, devices.length - healthy);
      }
    },
  });
}
