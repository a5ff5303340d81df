// SPDX-License-Identifier: Apache-2.0
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { isSameNetns } from '../cni/open-netns.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type HeldDevices, mayBeHeld } from '../podresources/held-devices.ts';
import type { HeldDevice } from './served-resource.ts';

/** Which devices pods hold, or may hold. */
export interface HeldTracker {
  /** All of them, as of now. */
  current(): readonly HeldDevice[];
  /** Those that no pod holds any more, and whose links may stand nevertheless: until CNI DEL, or the collector's look. */
  leftBehind(): readonly HeldDevice[];
  mayBeHeld(id: string): boolean;
  /** Whether this process was giving the device out then or later: what kubelet said before is no news of it. */
  wasGivenOutSince(id: string, atMs: number): boolean;
  /** Counts devices as held from now on: kubelet lists them only some time after it was answered. */
  allocating(ids: readonly string[]): Disposable;
}

export interface HeldTrackerOptions {
  readonly ledger: Pick<Ledger, 'get' | 'entries'>;
  /** What kubelet said last; undefined before it said anything. */
  readonly view: () => HeldDevices | undefined;
  /** The clock of `HeldDevices.askedAtMs`. */
  readonly now: () => number;
}

/**
 * Brings three together: what kubelet lists, what the ledger says was given out, and what is being given out right now.
 * A device counts as free only when kubelet had the time to list it and does not.
 */
export function createHeldTracker({ ledger, view, now }: HeldTrackerOptions): HeldTracker {
  const underWay = new Map<string, number>();
  const allocatedAtMs = new Map<string, number>();
  const isHeld = (id: string) => underWay.has(id) || mayBeHeld(view(), id, allocatedAtMs.get(id));
  return {
    mayBeHeld: isHeld,
    wasGivenOutSince: (id, atMs) => underWay.has(id) || (allocatedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) >= atMs,
    current() {
      const given = ledger.entries().map(([id]) => id);
      const listed = view()?.devices ?? new Map();
      const ids = new Set([...given.filter(isHeld), ...underWay.keys(), ...listed.keys()]);
      return [...ids].map((id) => describe(id, ledger));
    },
    leftBehind() {
      const released = ledger.entries().filter(([id]) => !isHeld(id));
      return released.map(([id]) => describe(id, ledger)).filter(({ parentIfindex }) => parentIfindex !== undefined);
    },
    allocating(ids) {
      for (const id of ids) underWay.set(id, (underWay.get(id) ?? 0) + 1);
      return {
        [Symbol.dispose]() {
          for (const id of ids) {
            const left = (underWay.get(id) ?? 0) - 1;
            if (left > 0) underWay.set(id, left);
            else underWay.delete(id);
            allocatedAtMs.set(id, now());
          }
        },
      };
    },
  };
}

/**
 * A device that the ledger lost still tells its resource by its name. One whose sandbox is gone, after a reboot for
 * example, stands on nothing: its next ADD takes whatever has the parent's name then, so that name is all that counts.
 * Kubelet admits the pods of a node that was rebooted anew, and none that has an Unhealthy device.
 */
function describe(id: string, ledger: Pick<Ledger, 'get'>): HeldDevice {
  const record = ledger.get(id);
  if (record === undefined) return { id, resource: parseDeviceID(id)?.resourceName ?? id };
  const { resource, parent, mode, parentIfindex } = record;
  return { id, resource, parent, mode, ...(parentIfindex !== undefined && !lostSandbox(record) && { parentIfindex }) };
}

function lostSandbox({ attachment }: DeviceRecord): boolean {
  return attachment !== undefined && !isSameNetns(attachment.netnsPath, attachment.netnsInode);
}
