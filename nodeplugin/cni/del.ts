// SPDX-License-Identifier: Apache-2.0
import { deviceIfindex } from '../../policy/device/ifindex.ts';
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { beginStep, timeStep } from '../time-step.ts';
import { findAttached } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import { deviceAttempts } from './locate-device.ts';
import { decodeNetConf, valueAt } from './net-conf.ts';
import { isSameNetns } from './open-netns.ts';
import { removeAttachment, untilGone } from './remove-attachment.ts';

/**
 * Detaches a pod: idempotent, and only for the attachment of this very container and interface. Kubelet sends a second
 * DEL of a sandbox about a minute after the first, with the same device and an empty CNI_NETNS, when the device is
 * another sandbox's already. What is wrong with the configuration does not matter: a DEL that fails keeps the pod from
 * ending.
 */
export async function del(
  environment: CNIEnvironment,
  stdin: Uint8Array,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const named = readDeviceID(stdin);
  let isDone = false;
  while (!isDone) {
    const attached = findAttached(context.ledger, environment);
    // The named one too: an ADD of this attachment that is still under way has its lock.
    const ids = [named, attached?.id].filter((id) => id !== undefined);
    using waited = beginStep('wait', context);
    isDone = await context.lock.run(
      ids.map(linkName),
      async () => {
        waited.end();
        const device = findAttached(context.ledger, environment);
        // It came to another device while this waited, and that one's lock is needed.
        if (device !== undefined && !ids.includes(device.id)) return false;
        await timeStep('delete', context, async () => {
          if (device !== undefined) await removeAttachment(device, context, signal);
          else if (named !== undefined) await removeUnrecorded(named, environment, context, signal);
        });
        return true;
      },
      signal,
    );
  }
}

/**
 * What the ledger does not know, because it was lost: the runtime says which namespace is the container's, and a macvtap
 * there of the name and of one of the device's own indexes was made for it.
 */
async function removeUnrecorded(
  id: string,
  { netns, ifname }: CNIEnvironment,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { ledger, nodeName } = context;
  if (netns === '') return;
  const record = ledger.get(id);
  // Its successor's link, should it have the same name, is in another namespace; but better not to ask the kernel for that.
  if (record?.attachment !== undefined && isSameNetns(netns, record.attachment.netnsInode)) return;
  const link = await lookInto(netns, ifname, context, signal);
  const isOurs = deviceAttempts.some(
    (attempt) => deviceIfindex(record?.nodeName ?? nodeName, id, attempt) === link?.ifindex,
  );
  if (link?.kind !== 'macvtap' || !isOurs) return;
  const { links } = context;
  await untilGone(link.ifindex, links, () => links.deleteLinkIn(netns, link.ifindex, signal), signal);
}

/** An ADD could not get into what cannot be opened either, and its DEL must not keep the pod from ending. */
async function lookInto(
  path: string,
  name: string,
  { links, onTrouble }: CNIContext,
  signal: AbortSignal,
): Promise<LinkDetails | undefined> {
  return await links.getLinkIn(path, { name }, signal).catch((thrown: unknown) => {
    const error = MacvtapError.from(thrown);
    if (error.code !== 'NetnsUnreachable') throw error;
    onTrouble(error);
    return undefined;
  });
}

function readDeviceID(stdin: Uint8Array): string | undefined {
  try {
    const object = decodeNetConf(stdin);
    const id = valueAt(object, 'deviceID') || valueAt(object, 'runtimeConfig.deviceID');
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined;
  }
}
