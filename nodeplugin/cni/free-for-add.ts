// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { CNIContext } from './cni-context.ts';
import { removeAttachedLink, untilGone } from './remove-attachment.ts';

/** How long a namespace that the kernel takes apart may keep its link; then the runtime is told to try again. */
const patienceMs = 2_000;

/**
 * Frees the index and the node that a pod was promised: takes away the placeholder that Allocate made, or the link in a
 * sandbox that was lost; after a reboot there is neither. Unlike Allocate, ADD cannot take another index: the container
 * gets the node that kubelet was told. Raises `TapNodeTaken`.
 */
export async function freeForAdd(
  id: string,
  entry: DeviceEntry,
  context: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  await free(id, entry, context, signal);
  faultPoint('cni-add-node-free');
}

async function free(id: string, entry: DeviceEntry, context: CNIContext, signal: AbortSignal): Promise<void> {
  const { links } = context;
  const { ifindex, attachment } = entry;
  if (attachment !== undefined) {
    await removeAttachedLink({ id, record: { ...entry, attachment, lastUsed: 0 } }, context, signal);
  }
  if (await isFree(ifindex, links)) return;
  const placeholder = links.readTapLinkName(ifindex);
  if (placeholder !== undefined) {
    if (placeholder !== linkName(id)) throw taken(id, ifindex, `macvtap ${placeholder} of the node has that number`);
    await untilGone(ifindex, links, () => links.deleteLink(ifindex, signal), signal);
  } else {
    await removeElsewhere(entry, context, signal);
  }
  for (
    const end = performance.now() + patienceMs;
    !(await isFree(ifindex, links));
    await sleep(2, undefined, { signal })
  ) {
    if (performance.now() > end)
      throw taken(id, ifindex, 'a link that cannot be found holds it, in a pod that ended or is ending');
  }
}

/** A link of this number on the device's parent can only have been made for this device. */
async function removeElsewhere(
  { ifindex, parentIfindex }: DeviceEntry,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  for (const found of await links.searchLink(ifindex, signal)) {
    const { kind, parentIfindexElsewhere } = found.link;
    const isOurs = parentIfindexElsewhere !== undefined && parentIfindexElsewhere === parentIfindex;
    if (kind !== 'macvtap' || !isOurs) continue;
    await untilGone(ifindex, links, () => links.deleteFoundLink(found, signal), signal);
  }
}

async function isFree(ifindex: number, links: CNIContext['links']): Promise<boolean> {
  const { nodeDevice, linkDevice } = await links.readTapNode(ifindex);
  return nodeDevice === undefined && linkDevice === undefined;
}

function taken(id: string, ifindex: number, why: string): MacvtapError {
  return new MacvtapError(
    'TapNodeTaken',
    `/dev/tap${ifindex}, which kubelet was promised for device ${id}, is not free: ${why}; it is tried again`,
    { facts: { device: id, ifindex } },
  );
}
