// SPDX-License-Identifier: Apache-2.0
import type { Holder } from '../../nodeplugin/podresources/held-devices.ts';

/** A device in use. */
export interface HeldRow {
  readonly resourceName: string;
  readonly deviceId: string;
  readonly holder: Holder;
}

/** Devices in use, which kubelet's checkpoint keeps across restarts. */
export interface HeldTable {
  /** Returns the held devices, including those whose Allocate has not been answered yet. */
  inUse(resourceName: string): ReadonlySet<string>;
  /** Reserves devices before Allocate is called. */
  reserve(resourceName: string, deviceIds: readonly string[], holder: Holder): void;
  /** Commits devices after Allocate has been answered. From then on, they are listed. */
  commit(resourceName: string, deviceIds: readonly string[]): void;
  free(resourceName: string, deviceIds: readonly string[]): void;
  /** Returns the response to List, in the order of allocation. */
  listed(): readonly HeldRow[];
}

export function createHeldTable(): HeldTable {
  const rows = new Map<string, HeldRow & { readonly committed: boolean }>();
  const key = (resourceName: string, deviceId: string): string => `${resourceName} ${deviceId}`;
  return {
    inUse: (resourceName) =>
      new Set([...rows.values()].filter((row) => row.resourceName === resourceName).map(({ deviceId }) => deviceId)),
    reserve: (resourceName, deviceIds, holder) => {
      for (const deviceId of deviceIds) {
        rows.set(key(resourceName, deviceId), { resourceName, deviceId, holder, committed: false });
      }
    },
    commit: (resourceName, deviceIds) => {
      for (const deviceId of deviceIds) {
        const row = rows.get(key(resourceName, deviceId));
        if (row !== undefined) rows.set(key(resourceName, deviceId), { ...row, committed: true });
      }
    },
    free: (resourceName, deviceIds) => {
      for (const deviceId of deviceIds) rows.delete(key(resourceName, deviceId));
    },
    listed: () => [...rows.values()].filter(({ committed }) => committed),
  };
}
