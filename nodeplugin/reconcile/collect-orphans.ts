// SPDX-License-Identifier: Apache-2.0

import { linkName } from '../../policy/device/device-id.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import { type AttachedDevice, attachmentKey, isSandboxThere, listAttached } from '../cni/attachments.ts';
import type { Attachment, DeviceRecord } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { isOwnMacvtap } from '../links/interface-events.ts';
import type { Links } from '../links/links.ts';
import type { HeldTracker } from './held-tracker.ts';
import type { HeldDevice } from './served-resource.ts';

export interface OrphanCollectorOptions {
  readonly graceMs: number;
  readonly links: Pick<Links, 'getLink' | 'deleteLink' | 'readInterfaces'>;
  readonly ledger: Pick<Ledger, 'entries' | 'forget'>;
  readonly held: Pick<HeldTracker, 'current'>;
  /** Returns false until kubelet has listed the devices of pods. Until then, nothing counts as an orphan. */
  readonly isHeldKnown: () => boolean;
  /** The mutex for allocations and attachments. Its keys are link names. */
  readonly lock: KeyedMutex;
  readonly onCollected: (what: string) => void;
  readonly onError: (error: MacvtapError) => void;
  /** Called after each check, because devices may have been released. */
  readonly onLook: () => void;
}

/** Removes devices and links that have been orphans for the whole grace period, until disposed. */
export function collectOrphans(options: OrphanCollectorOptions): AsyncDisposable {
  const { graceMs, links, isHeldKnown, onError, onLook } = options;
  const since = new Map<string, number>();
  let looking: Promise<void> | undefined;

  const look = async (): Promise<void> => {
    const now = performance.now();
    const interfaces = isHeldKnown() ? await links.readInterfaces() : [];
    const found = new Map(findOrphans(interfaces, options).map((orphan) => [orphanName(orphan), orphan]));
    for (const name of since.keys()) if (!found.has(name)) since.delete(name);
    for (const [name, orphan] of found) {
      const first = since.get(name) ?? now;
      since.set(name, first);
      if (now - first < graceMs) continue;
      await collect(orphan, interfaces, options).catch((thrown) => onError(MacvtapError.from(thrown)));
    }
    onLook();
  };
  const timer = setInterval(
    () => {
      // Only one check runs at a time. Otherwise, checks would queue up while one of them waits for the kernel or a
      // lock.
      looking ??= look()
        .catch((thrown) => onError(MacvtapError.from(thrown)))
        .finally(() => {
          looking = undefined;
        });
    },
    Math.max(20, graceMs / 2),
  );
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await looking;
    },
  };
}

function findOrphans(
  interfaces: readonly InterfaceFacts[],
  { isHeldKnown, ledger, held }: OrphanCollectorOptions,
): readonly Orphan[] {
  return isHeldKnown() ? decideOrphans(interfaces, ledger.entries(), held.current()) : [];
}

async function collect(
  orphan: Orphan,
  interfaces: readonly InterfaceFacts[],
  options: OrphanCollectorOptions,
): Promise<void> {
  const { links, ledger, lock, onCollected } = options;
  const name = 'device' in orphan ? linkName(orphan.device) : orphan.link;
  await lock.run([name], async () => {
    // kubelet may have allocated the device again while this call waited for the mutex.
    if (!findOrphans(interfaces, options).some((still) => orphanName(still) === orphanName(orphan))) return;
    const link = await links.getLink({ name });
    const isIt = link?.kind === 'macvtap' && ('device' in orphan || link.ifindex === orphan.ifindex);
    if (isIt) await links.deleteLink(link.ifindex);
    if ('device' in orphan) await ledger.forget(orphan.device);
    if (isIt || 'device' in orphan) onCollected(orphanName(orphan));
  });
}

/**
 * An allocated device that no pod holds, or a link that matches the node plugin's name pattern but belongs to no
 * device.
 */
export type Orphan = { readonly device: string } | { readonly link: string; readonly ifindex: number };

/**
 * Finds orphaned devices and links:
 * - A device in the ledger is an orphan if no pod holds it and it is not attached to a pod. An attached device becomes
 *   one only after it was detached, usually by DEL.
 * - A macvtap in the node's namespace is an orphan if its name matches the node plugin's pattern, but neither the
 *   ledger nor `held` contains a device with that link name.
 *
 * `held` must contain all devices that pods may hold.
 */
export function decideOrphans(
  interfaces: readonly InterfaceFacts[],
  entries: readonly (readonly [string, DeviceRecord])[],
  held: readonly HeldDevice[],
): readonly Orphan[] {
  const heldIDs = new Set(held.map(({ id }) => id));
  const devices = entries
    .filter(([id, { attachment }]) => attachment === undefined && !heldIDs.has(id))
    .map(([device]) => ({ device }));
  const known = new Set([...entries.map(([id]) => id), ...heldIDs].map(linkName));
  const links = interfaces.flatMap(({ name, kind, ifindex }) =>
    isOwnMacvtap({ name, kind }) && !known.has(name) && ifindex !== undefined ? [{ link: name, ifindex }] : [],
  );
  return [...devices, ...links];
}

/** Returns the name of an orphan for logs. The name also identifies the orphan. */
export function orphanName(orphan: Orphan): string {
  return 'device' in orphan ? `device ${orphan.device}` : `link ${orphan.link} (index ${orphan.ifindex})`;
}

export interface StrandedOptions {
  /** How long ago kubelet must have released a device before its attachment counts as stranded. */
  readonly graceMs: number;
  readonly ledger: Pick<Ledger, 'entries'>;
  readonly held: Pick<HeldTracker, 'mayBeHeld' | 'wasListed'>;
  /** Returns false while kubelet may not know all pods of the node. During that time, the result does not change. */
  readonly isHeldKnown: () => boolean;
  /** Called with the attachments that became stranded, and with those that are no longer stranded. */
  readonly onChange: (began: readonly AttachedDevice[], ended: readonly AttachedDevice[]) => void;
  readonly isSandboxThere?: (attachment: Attachment) => boolean;
  readonly now?: () => number;
}

/** The attachments of devices that kubelet released, in sandboxes that still exist. */
export interface StrandedWatch {
  readonly current: readonly AttachedDevice[];
  /** Compares the ledger with kubelet's last answer. */
  look(): void;
}

/**
 * Finds links that no pod holds, but that the node plugin must not remove. kubelet releases a device when the
 * containers of its pod have ended, seconds before the runtime calls DEL. If the runtime never calls DEL and the
 * sandbox still exists, the link may still be in use. The node plugin therefore only reports the link. When the
 * sandbox's network namespace is gone, `forgetLostAttachments` removes the attachment.
 *
 * A device that kubelet never listed does not count. It may belong to an ordinary init container, whose devices kubelet
 * never lists. Its absence then does not show that it was released.
 */
export function watchStranded(options: StrandedOptions): StrandedWatch {
  const { graceMs, isHeldKnown, onChange, now = () => performance.now() } = options;
  let since = new Map<string, number>();
  let current = new Map<string, AttachedDevice>();
  return {
    get current() {
      return [...current.values()];
    },
    look() {
      if (!isHeldKnown()) return;
      const nowMs = now();
      const found = new Map(findReleased(options).map((device) => [attachmentKey(device), device]));
      since = new Map(found.keys().map((key) => [key, since.get(key) ?? nowMs]));
      const before = current;
      current = new Map(found.entries().filter(([key]) => nowMs - (since.get(key) ?? nowMs) >= graceMs));
      const began = [...current].filter(([key]) => !before.has(key)).map(([, device]) => device);
      const ended = [...before].filter(([key]) => !current.has(key)).map(([, device]) => device);
      if (began.length + ended.length > 0) onChange(began, ended);
    },
  };
}

function findReleased(options: StrandedOptions): readonly AttachedDevice[] {
  const { ledger, held, isSandboxThere: isThere = isSandboxThere } = options;
  return listAttached(ledger).filter(({ id, record }) => {
    const wasListed = record.listed === true || held.wasListed(id);
    return wasListed && !held.mayBeHeld(id) && isThere(record.attachment);
  });
}
