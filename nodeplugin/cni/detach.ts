// SPDX-License-Identifier: Apache-2.0

import { deviceIfindex, linkName } from '../../policy/device/device-id.ts';
import { isJsonObject } from '../../policy/json.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { untilNodeIsGone } from '../deviceplugin/placeholder-link.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { beginStep, timeStep } from '../time-step.ts';
import {
  type AttachedDevice,
  type AttachmentKey,
  detached,
  findAttached,
  isLinkOf,
  listAttached,
} from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { deviceAttempts, findParentByIfindex } from './locate-device.ts';
import { isSameNetns } from './open-netns.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';
import { decodeNetConf, type NetConf, valueAt } from './spec/net-conf.ts';

/**
 * Detaches a pod. Removes only the attachment of this container and interface, and can be repeated.
 *
 * About a minute after the first DEL of a sandbox, a second DEL arrives with the same device and an empty CNI_NETNS. By
 * then, the device may be attached to another sandbox. Errors in the configuration are ignored, because a pod cannot
 * end while its DEL fails.
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
    // The device in the request is also locked, because an ADD of this attachment may still be in progress.
    const ids = [named, attached?.id].filter((id) => id !== undefined);
    using waited = beginStep('wait', context);
    isDone = await context.lock.run(
      ids.map(linkName),
      async () => {
        waited.end();
        const device = findAttached(context.ledger, environment);
        // The attachment now belongs to another device, so the loop also takes that device's lock.
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
 * Removes a link that is missing in the ledger, because the ledger was lost. The link must be a macvtap in the
 * container's namespace. It must have the requested name, and one of the device's possible indexes.
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
  // If the ledger records an attachment in this namespace, the link belongs to that attachment.
  if (record?.attachment !== undefined && isSameNetns(netns, record.attachment.netnsInode)) return;
  const link = await lookInto(netns, ifname, context, signal);
  const isOurs = deviceAttempts.some(
    (attempt) => deviceIfindex(record?.nodeName ?? nodeName, id, attempt) === link?.ifindex,
  );
  if (link?.kind !== 'macvtap' || !isOurs) return;
  const { links } = context;
  await untilGone(link.ifindex, links, () => links.deleteLinkIn(netns, link.ifindex, signal), signal);
}

/**
 * Finds a link in a namespace. Returns undefined for a namespace that this process cannot reach, because ADD would have
 * failed there.
 */
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

/**
 * The keys under which a runtime lists its valid attachments (SPEC.md, "GC"). The specification named the second key
 * until it was corrected, and libcni writes both. `valueAt` cannot read these keys, because they contain a dot.
 */
const validKeys = ['cni.dev/valid-attachments', 'cni.dev/attachments'] as const;

/**
 * Removes the attachments of this network that the runtime does not list. After an error, the other attachments are
 * still removed; then the first error is raised. Raises `NetConfInvalid` if the list is missing, because treating a
 * missing list as empty would disconnect all pods of the network.
 */
export async function gc(conf: NetConf, stdin: Uint8Array, context: CNIContext, signal: AbortSignal): Promise<void> {
  const valid = readValid(stdin, conf.name);
  const isStale = ({ record: { attachment } }: AttachedDevice) =>
    attachment.network === conf.name &&
    !valid.some(({ containerID, ifname }) => containerID === attachment.containerID && ifname === attachment.ifname);
  const failures: unknown[] = [];
  const collected: string[] = [];
  for (const { id } of listAttached(context.ledger).filter(isStale)) {
    const remove = async () => {
      // While GC waited for the lock, the device may have been attached to another pod.
      const device = listAttached(context.ledger).find((attached) => attached.id === id && isStale(attached));
      if (device === undefined) return;
      await removeAttachment(device, context, signal);
      collected.push(id);
    };
    await context.lock.run([linkName(id)], remove, signal).catch((thrown) => failures.push(thrown));
  }
  if (collected.length > 0) context.onCollected?.(conf.name, collected);
  if (failures.length > 0) throw failures[0];
}

function readValid(stdin: Uint8Array, network: string): readonly AttachmentKey[] {
  const object = decodeNetConf(stdin);
  const validKey = validKeys.find((key) => Object.hasOwn(object, key)) ?? validKeys[0];
  // Go encodes a nil slice as null, which means an empty list. A missing key is an error.
  const list = object[validKey] === null ? [] : object[validKey];
  const isEntry = (entry: unknown): entry is AttachmentKey =>
    isJsonObject(entry) && typeof entry.containerID === 'string' && typeof entry.ifname === 'string';
  if (Array.isArray(list) && list.every(isEntry)) return list;
  throw new MacvtapError(
    'NetConfInvalid',
    `${validKey} of network ${network} is not a list of objects with containerID and ifname, so GC cannot know which attachments to keep; check how the container runtime calls its CNI plugins`,
    { facts: { network } },
  );
}

/**
 * Detaches a device from its pod: removes the link, then the attachment in the ledger. The device itself stays in the
 * ledger, because a recreated sandbox gets it again without a new Allocate. The caller must hold the device's lock.
 *
 * If the ledger cannot be written, for example because the disk is full, this function still succeeds. The pod can then
 * end, which may free disk space. The ledger records a link that no longer exists, which is harmless.
 */
export async function removeAttachment(
  device: AttachedDevice,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  // The parent is looked up before the link is removed. Afterwards, only its name could identify the parent.
  const parent = findParentByIfindex(device.id, device.record, context)?.name ?? device.record.parent;
  await removeAttachedLink(device, context, signal);
  faultPoint('cni-del-link-gone');
  await context.ledger.record(device.id, detached({ ...device.record, parent })).catch((thrown: unknown) => {
    context.onTrouble(MacvtapError.from(thrown));
  });
  faultPoint('cni-del-recorded');
}

/**
 * Deletes a device's link in the namespace that the ledger records. Resolves when the link and its device node are
 * gone, at once if they already are. If the namespace's path is gone, a process of the pod may still keep the namespace
 * alive. The link is then searched for by its index.
 */
export async function removeAttachedLink(
  { record }: AttachedDevice,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { ifindex, attachment } = record;
  const { netnsPath, netnsInode } = attachment;
  if (isSameNetns(netnsPath, netnsInode)) {
    if (await isOwnLink(record, links, signal)) {
      await untilGone(ifindex, links, () => links.deleteLinkIn(netnsPath, ifindex, signal), signal);
    }
    return;
  }
  // Most calls end here, because the link was removed together with its namespace. A link can exist without a device
  // node, if another link of its index had the device node first. All taps are therefore listed.
  if (links.listTaps(ifindex).length === 0) return;
  for (const found of await links.searchLink(ifindex, signal)) {
    if (isLinkOf(record, found.link))
      await untilGone(ifindex, links, () => links.deleteFoundLink(found, signal), signal);
  }
}

/**
 * Returns whether the link with the device's index, in the recorded namespace, belongs to the attachment. The holder of
 * the device node is checked first: unlike a request for a link, this does not wait for the kernel's network lock
 * (rtnl_lock), which each of many simultaneous deletions takes.
 */
async function isOwnLink(
  record: AttachedDevice['record'],
  links: CNIContext['links'],
  signal: AbortSignal,
): Promise<boolean> {
  const { ifindex, attachment } = record;
  const { holder } = await links.readTapNode(ifindex, ['holder']);
  if (holder?.ifindex === ifindex && holder.name === attachment.ifname) return true;
  const link = await links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
  return link !== undefined && isLinkOf(record, link);
}

/**
 * Removes a link, and waits until its device node is gone. That takes about a millisecond; the kernel's acknowledgement
 * takes ten times as long. If the link has no device node, because another link had the same index first, the function
 * waits for the acknowledgement instead.
 */
export async function untilGone(
  ifindex: number,
  links: CNIContext['links'],
  remove: () => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  // The device node is read before the removal. If it disappears afterwards, it belonged to the removed link.
  const { nodeDevice } = await links.readTapNode(ifindex, []);
  if (nodeDevice === undefined) await remove();
  else await untilNodeIsGone(ifindex, links, remove(), signal);
}
