// SPDX-License-Identifier: Apache-2.0
import { type DeviceMessage, type DevicePluginOptions, health } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import type { PluginConnection } from './plugin-connection.ts';

/** Kubelet's knowledge of one resource. */
export interface KubeletResource {
  readonly name: string;
  /** The file name of the socket that registered last. */
  readonly endpoint: string;
  /** The last list, as kubelet changed it: after a stream has ended, all devices are Unhealthy. */
  readonly devices: readonly DeviceMessage[];
  /** The number of ListAndWatch messages received, in all runs of kubelet together. */
  readonly messages: number;
  readonly registrations: number;
  readonly options: DevicePluginOptions | null;
  /** Whether the stream is open. After it has ended, kubelet makes no more calls. */
  readonly connected: boolean;
}

/** A row as this stand-in uses it. */
export interface ResourceRow extends KubeletResource {
  readonly connection: PluginConnection | undefined;
}

/** Rows by resource name. Rows are replaced as a whole; `update` replaces one and notifies. */
export interface ResourceTable {
  readonly rows: ReadonlyMap<string, ResourceRow>;
  update(name: string, change: (row: ResourceRow) => Partial<ResourceRow>): void;
}

export function createResourceTable(onChange: () => void): ResourceTable {
  const rows = new Map<string, ResourceRow>();
  return {
    rows,
    update: (name, change) => {
      const row = rows.get(name) ?? emptyRow(name);
      rows.set(name, { ...row, ...change(row) });
      onChange();
    },
  };
}

/** Returns a list as kubelet's markResourceUnhealthy leaves it (devicemanager/manager.go). */
export function markUnhealthy(devices: readonly DeviceMessage[]): readonly DeviceMessage[] {
  return devices.map((device) => ({ ...device, health: health.unhealthy }));
}

function emptyRow(name: string): ResourceRow {
  return {
    name,
    endpoint: '',
    devices: [],
    messages: 0,
    registrations: 0,
    options: null,
    connected: false,
    connection: undefined,
  };
}
