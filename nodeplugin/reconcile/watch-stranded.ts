// SPDX-License-Identifier: Apache-2.0
import { type AttachedDevice, attachmentKey, isSandboxThere, listAttached } from '../cni/attachments.ts';
import type { Attachment } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { HeldTracker } from './held-tracker.ts';

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
