// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises';
import { linkName } from '../../policy/device/device-id.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import { untilNodeIsGone } from '../deviceplugin/placeholder-link.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';
import type { CNIContext, ShimRights } from './cni-context.ts';
import { removeAttachedLink, untilGone } from './detach.ts';
import { isSameNetns } from './open-netns.ts';
import type { NetConf } from './spec/net-conf.ts';

/**
 * How long ADD waits for the kernel to remove the link of a namespace that is being removed. After this time, ADD fails
 * and kubelet tries again.
 */
const patienceMs = 2_000;

/**
 * Frees the index and the device node that Allocate promised to kubelet, by deleting the link that has them. That link
 * is either Allocate's placeholder or the device's link in a lost sandbox. After a reboot, neither link exists. Unlike
 * Allocate, ADD cannot choose another index: the container gets the path that kubelet already knows. Raises
 * `TapNodeTaken`.
 */
export async function freeIndexAndNode(
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
  const { nodeDevice } = await links.readTapNode(ifindex, []);
  if (nodeDevice === undefined && (await isFree(ifindex, links))) return;
  const placeholder = links.readTapLinkName(ifindex);
  if (placeholder !== undefined) {
    if (placeholder !== linkName(id)) throw taken(id, ifindex, `macvtap ${placeholder} on the node has that index`);
    const deletion = links.deleteLink(ifindex, signal);
    if (nodeDevice === undefined) await deletion;
    else await untilNodeIsGone(ifindex, links, deletion, signal);
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

/**
 * Removes the device's links in namespaces that the ledger does not record. A link with this index on the device's
 * parent was created for this device.
 */
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
  const { nodeDevice, linkDevice } = await links.readTapNode(ifindex, ['link']);
  return nodeDevice === undefined && linkDevice === undefined;
}

function taken(id: string, ifindex: number, why: string): MacvtapError {
  return new MacvtapError(
    'TapNodeTaken',
    `/dev/tap${ifindex}, which device ${id} was allocated with, is not free: ${why}; kubelet tries again`,
    { facts: { device: id, ifindex } },
  );
}

/** The index and the namespace of the link to create. */
interface Place {
  readonly ifindex: number;
  readonly attachment: Pick<Attachment, 'netnsPath' | 'netnsInode'>;
}

/**
 * Creates a link, and returns the device number of its tap. Links in other namespaces may have the same index. If their
 * taps cannot be distinguished from the link's own, their device numbers are also returned.
 *
 * If only one tap has the index, it belongs to the new link. If there are more, the link is deleted, the taps are
 * listed, and the link is created again. The taps that were listed in between belong to other links. `identifyTap`
 * recognises them, because the new link may get a device number that another tap had.
 *
 * Raises `TapNodeUnreadable`, and the errors of creation and deletion.
 */
export async function createLinkWithTap(
  create: () => Promise<void>,
  { ifindex, attachment: { netnsPath, netnsInode } }: Place,
  links: CNIContext['links'],
  signal: AbortSignal,
): Promise<readonly string[]> {
  await create();
  const taps = links.listTaps(ifindex);
  if (taps.length === 1) return taps;
  // `deleteLinkIn` waits for the kernel's acknowledgement. Waiting until the device node is gone would be too short:
  // the kernel still lists the removed tap for a moment.
  if (isSameNetns(netnsPath, netnsInode)) await links.deleteLinkIn(netnsPath, ifindex, signal);
  // A device node that still exists belongs to another link, so a recreated link would get none. All taps are returned,
  // so that `giveTapToOwner` raises `TapNodeTaken`.
  if ((await links.readTapNode(ifindex, [])).nodeDevice !== undefined) return taps;
  const strangers = new Set(links.listTaps(ifindex).map((tap) => links.identifyTap(tap)));
  signal.throwIfAborted();
  await create();
  return links.listTaps(ifindex).filter((tap) => !strangers.has(links.identifyTap(tap)));
}

/** A device's new link in its pod. */
interface NewLink {
  readonly id: string;
  readonly ifindex: number;
  readonly ifname: string;
  readonly conf: Pick<NetConf, 'owner' | 'group'>;
  /** The device numbers of the taps with the link's index, as `createLinkWithTap` returned them. */
  readonly taps: readonly string[];
}

/**
 * Makes the shim change the owner of the tap's device node. This is the last step of ADD: until then, root owns the
 * device node. First verifies that the device node belongs to the new link. All network namespaces share /dev. While no
 * link has the index, a user who controls another namespace could create a link of the same name and index there. That
 * link would get the device node. Raises `TapNodeTaken`, `TapNodeNotOwned`.
 */
export async function giveTapToOwner(
  { id, ifindex, ifname, conf, taps }: NewLink,
  { own }: Pick<ShimRights, 'own'>,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { nodeDevice, path } = await links.readTapNode(ifindex, []);
  const [major, minor] = (nodeDevice ?? '').split(':').map(Number);
  if (major === undefined || minor === undefined || nodeDevice === undefined) {
    throw new MacvtapError(
      'TapNodeNotOwned',
      `device ${id}: the kernel created the link but not ${path}; check that the node's /dev is a devtmpfs and is mounted into the container`,
      { facts: { device: id, path } },
    );
  }
  if (taps.length !== 1 || taps[0] !== nodeDevice) {
    const { holder } = await links.readTapNode(ifindex, ['holder']);
    const whose = holder === undefined ? 'no link' : `link ${holder.name} with ifindex ${holder.ifindex}`;
    const why =
      holder?.name === ifname ? 'may belong to another link of that name' : `belongs to ${whose}, not to ${ifname}`;
    throw new MacvtapError(
      'TapNodeTaken',
      `${path}, which device ${id} was allocated with, ${why}; kubelet tries again`,
      { facts: { device: id, path } },
    );
  }
  await own({ ifindex, major, minor, uid: conf.owner, gid: conf.group }, signal);
  faultPoint('cni-add-node-owned');
}
