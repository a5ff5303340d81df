// SPDX-License-Identifier: Apache-2.0
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { isSameNetns } from '../cni/open-netns.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type HeldDevices, mayBeHeld } from '../podresources/held-devices.ts';
import type { HeldDevice } from './served-resource.ts';

/** Tracks the devices that pods hold or may hold. */
export interface HeldTracker {
  /** Returns all held devices. */
  current(): readonly HeldDevice[];
  /** Returns whether `current` contains the device, without a look at all other devices. */
  has(id: string): boolean;
  /**
   * Returns the devices that no pod holds but whose links may still exist. DEL or the orphan collector deletes these
   * links later.
   */
  releasedDevices(): readonly HeldDevice[];
  mayBeHeld(id: string): boolean;
  /**
   * Returns whether this process allocated the device at `atMs` or later. If so, an answer of kubelet from `atMs` may
   * be outdated.
   */
  wasGivenOutSince(id: string, atMs: number): boolean;
  /**
   * Returns whether a complete answer of kubelet listed the device after its last allocation. Only answers that were
   * passed to `note` count.
   */
  wasListed(id: string): boolean;
  /** Records an answer of kubelet. */
  note(answer: HeldDevices): void;
  /**
   * Counts devices as held while they are being allocated, because kubelet lists them only some time after the answer
   * of Allocate. The caller must dispose the result when the allocation has ended.
   */
  allocating(ids: readonly string[]): Disposable;
}

export interface HeldTrackerOptions {
  readonly ledger: Pick<Ledger, 'get' | 'entries'>;
  /** Returns kubelet's last answer; undefined before the first. */
  readonly view: () => HeldDevices | undefined;
  /** Returns whether the link of an attached device is gone although its parent exists. */
  readonly isLinkLost?: (id: string) => boolean;
  /** The clock of `HeldDevices.askedAtMs`. */
  readonly now: () => number;
}

/**
 * Combines the devices that kubelet lists, the devices in the ledger, and the devices of running allocations. A device
 * counts as free only if kubelet has had enough time to list it but does not.
 */
export function createHeldTracker({ ledger, view, isLinkLost, now }: HeldTrackerOptions): HeldTracker {
  const underWay = new Map<string, number>();
  const allocatedAtMs = new Map<string, number>();
  const listed = new Set<string>();
  const wasGivenOutSince = (id: string, atMs: number) =>
    underWay.has(id) || (allocatedAtMs.get(id) ?? Number.NEGATIVE_INFINITY) >= atMs;
  // A prepared claim holds its device until kubelet unprepares the claim. Kubelet lists no device of claims.
  const isHeld = (id: string) =>
    underWay.has(id) || ledger.get(id)?.claim !== undefined || mayBeHeld(view(), id, allocatedAtMs.get(id));
  return {
    mayBeHeld: isHeld,
    wasGivenOutSince,
    wasListed: (id) => listed.has(id),
    note({ devices, complete, askedAtMs }) {
      // An incomplete answer also contains devices of earlier answers, which may be older than the last Allocate.
      if (!complete) return;
      for (const id of listed) if (!devices.has(id) && ledger.get(id) === undefined) listed.delete(id);
      for (const id of devices.keys()) if (!wasGivenOutSince(id, askedAtMs)) listed.add(id);
    },
    has: (id) => underWay.has(id) || view()?.devices.has(id) === true || (ledger.get(id) !== undefined && isHeld(id)),
    current() {
      const given = ledger.entries().map(([id]) => id);
      const listed = view()?.devices ?? new Map();
      const ids = new Set([...given.filter(isHeld), ...underWay.keys(), ...listed.keys()]);
      return [...ids].map((id) => ({
        ...describe(id, ledger),
        ...(isLinkLost?.(id) && { isLinkLost: true as const }),
      }));
    },
    releasedDevices() {
      const released = ledger.entries().filter(([id]) => !isHeld(id));
      return released.map(([id]) => describe(id, ledger)).filter(({ parentIfindex }) => parentIfindex !== undefined);
    },
    allocating(ids) {
      for (const id of ids) {
        underWay.set(id, (underWay.get(id) ?? 0) + 1);
        listed.delete(id);
      }
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
 * Describes a held device. If the ledger has lost the device, its resource is read from its ID.
 *
 * If the device's sandbox is gone, for example after a reboot, the device has no link, and the result has no
 * `parentIfindex`. The next ADD uses the interface that then has the parent's name. After a reboot, this interface may
 * have another index. With the old index, the device would be Unhealthy, and kubelet would reject its pod when it
 * admits the node's pods again.
 */
function describe(id: string, ledger: Pick<Ledger, 'get'>): HeldDevice {
  const record = ledger.get(id);
  if (record === undefined) return { id, resource: parseDeviceID(id)?.resourceName ?? id };
  const { resource, parent, mode, parentIfindex, claim } = record;
  return {
    id,
    resource,
    parent,
    mode,
    ...(parentIfindex !== undefined && !lostSandbox(record) && { parentIfindex }),
    ...(claim !== undefined && { isClaimed: true as const }),
  };
}

function lostSandbox({ attachment }: DeviceRecord): boolean {
  return attachment !== undefined && !isSameNetns(attachment.netnsPath, attachment.netnsInode);
}
