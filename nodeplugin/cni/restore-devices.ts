// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { listAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { rebuildEntry } from './locate-device.ts';
import { isSameNetns } from './open-netns.ts';
import { removeAttachment } from './remove-attachment.ts';

/**
 * Writes into the ledger what pods hold and it does not know: it was lost, and their containers could not be restarted
 * nor their sandboxes made anew. Returns the devices that are known again. To be called once kubelet said what pods
 * hold.
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
      await context.ledger.record(id, entry);
      restored.push(id);
    };
    await context.lock
      .run([linkName(id)], restore, signal)
      .catch((thrown) => context.onTrouble(MacvtapError.from(thrown)));
  }
  return restored;
}

/**
 * Takes devices out of pods that went without a DEL (the runtime lost them, or the node was rebooted): those that nobody
 * holds, and whose namespace is gone. Returns them; without an attachment they are the orphan collector's.
 */
export async function forgetLostAttachments(
  mayBeHeld: (id: string) => boolean,
  context: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const forgotten: string[] = [];
  for (const { id } of listAttached(context.ledger)) {
    const forget = async () => {
      // As it stands now that the lock is ours.
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
