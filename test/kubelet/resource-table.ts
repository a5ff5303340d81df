// SPDX-License-Identifier: Apache-2.0
import { type DeviceMessage, type DevicePluginOptions, health } from '../../nodeplugin/deviceplugin/v1beta1.ts';
import type { PluginConnection } from './plugin-connection.ts';

/** What kubelet knows of one resource. */
export interface KubeletResource {
  readonly name: string;
  /** File name of the socket that registered last. */
  readonly endpoint: string;
  /** The last list, with what kubelet itself made of it: after a stream's end all are Unhealthy. */
  readonly devices: readonly DeviceMessage[];
  /** ListAndWatch messages received, in all runs of kubelet together. */
  readonly messages: number;
  readonly registrations: number;
  readonly options: DevicePluginOptions | null;
  /** False after its stream ended: kubelet sends it no more calls. */
  readonly connected: boolean;
}

/** A row as this kubelet works with it. */
export interface ResourceRow extends KubeletResource {
  readonly connection: PluginConnection | undefined;
}

/** Rows by resource name, replaced whole; `update` changes one and tells. */
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

/** How kubelet's markResourceUnhealthy leaves a list (devicemanager/manager.go). */
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
