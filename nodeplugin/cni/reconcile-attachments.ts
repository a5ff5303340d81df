// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { pause } from '../../runtime/pause.ts';
import type { HeldTracker } from '../reconcile/held-tracker.ts';
import { listAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { removeAttachment } from './detach.ts';
import { rebuildEntry } from './locate-device.ts';
import { isSameNetns } from './open-netns.ts';

export interface ReconcileOptions {
  readonly context: CNIContext;
  readonly held: Pick<HeldTracker, 'current' | 'mayBeHeld'>;
  /**
   * False until kubelet has listed the devices that pods hold. Until then nothing is restored, and nothing counts as
   * lost.
   */
  readonly isHeldKnown: () => boolean;
  /** How often the ledger is compared with the devices that pods hold. */
  readonly lookMs: number;
  readonly onRestored: (devices: readonly string[]) => void;
  readonly onForgotten: (devices: readonly string[]) => void;
}

/** Reconciles the ledger's attachments with the devices that kubelet lists, until disposed. */
export function reconcileAttachments(options: ReconcileOptions): AsyncDisposable {
  const { held, isHeldKnown, lookMs, onRestored, onForgotten } = options;
  const stopping = new AbortController();
  const { context, nextLook } = reportOnce(options.context);
  const look = async (): Promise<void> => {
    nextLook();
    const missing = held.current().filter(({ id }) => context.ledger.get(id) === undefined);
    const restored = await restoreDevices(
      missing.map(({ id }) => id),
      context,
      stopping.signal,
    );
    if (restored.length > 0) onRestored(restored);
    const forgotten = await forgetLostAttachments(held.mayBeHeld, context, stopping.signal);
    if (forgotten.length > 0) onForgotten(forgotten);
  };
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      if (isHeldKnown()) await look().catch((thrown) => context.onTrouble(MacvtapError.from(thrown)));
      await pause(lookMs, stopping.signal, { ref: false });
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort(new Error('the node plugin ends'));
      await looking;
    },
  };
}

/**
 * Returns the context with an `onTrouble` that does not repeat a problem. A problem is reported again only if at least
 * one comparison did not find it in the meantime.
 */
function reportOnce(context: CNIContext): { readonly context: CNIContext; nextLook(): void } {
  let before = new Set<string>();
  let met = new Set<string>();
  const onTrouble = (error: MacvtapError): void => {
    if (!before.has(error.message) && !met.has(error.message)) context.onTrouble(error);
    met.add(error.message);
  };
  return {
    context: { ...context, onTrouble },
    nextLook() {
      before = met;
      met = new Set();
    },
  };
}

/**
 * Restores the entries of held devices that the ledger lost, and returns these devices. Without the entries, containers
 * cannot be restarted and sandboxes cannot be recreated. Must be called only after kubelet has listed the held devices.
 */
export async function restoreDevices(
  held: readonly string[],
  context: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const restored: string[] = [];
  for (const id of held) {
    const restore = async () => {
      if (context.ledger.get(id) !== undefined) return;
      const entry = await rebuildEntry(id, context, signal);
      if (entry === undefined) return;
      await context.ledger.record(id, { ...entry, ...(context.holders.wasListed(id) && { listed: true }) });
      restored.push(id);
    };
    await context.lock
      .run([linkName(id)], restore, signal)
      .catch((thrown) => context.onTrouble(MacvtapError.from(thrown)));
  }
  return restored;
}

/**
 * Detaches devices from pods that ended without a DEL, because the runtime lost them or the node was rebooted. Such a
 * device has no holder, and the namespace of its attachment is gone. Returns the detached devices, which the orphan
 * collector removes later.
 */
export async function forgetLostAttachments(
  mayBeHeld: (id: string) => boolean,
  context: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const forgotten: string[] = [];
  for (const { id } of listAttached(context.ledger)) {
    const forget = async () => {
      // The ledger is read again under the lock.
      const device = listAttached(context.ledger).find((attached) => attached.id === id);
      if (device === undefined || mayBeHeld(id)) return;
      const { netnsPath, netnsInode } = device.record.attachment;
      if (isSameNetns(netnsPath, netnsInode)) return;
      await removeAttachment(device, context, signal);
      forgotten.push(id);
    };
    await context.lock
      .run([linkName(id)], forget, signal)
      .catch((thrown) => context.onTrouble(MacvtapError.from(thrown)));
  }
  return forgotten;
}
