// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { decideLink, type ExistingLink, type WantedLink } from '../../policy/device/decide-link.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { Attachment, DeviceRecord } from '../ledger/device-record.ts';
import type { LinkKey } from '../links/get-link.ts';
import type { Links } from '../links/links.ts';
import type { KnownTaps } from '../links/open-node-links.ts';
import type { TapNode, TapPart } from '../links/tap-node.ts';

/** The kernel operations that an allocation needs. */
export type DeviceLinks = NodeLinks &
  Pick<Links, 'createMacvtap' | 'deleteLink'> & {
    /** Without it, each existing link is requested from the kernel. */
    readonly knownTaps?: KnownTaps;
    getLink(key: LinkKey, signal: AbortSignal): Promise<ExistingLink | undefined>;
  };

/**
 * The outcome of `makePlaceholder`. A placeholder is the link that Allocate creates in the node's network namespace.
 * ADD later replaces it with a link in the pod. `tap` describes the placeholder's device node in /dev, and `made` is
 * true if this call created the link. If the index is taken, `heldBy` describes its holder.
 */
export type Placeholder = { readonly tap: TapNode; readonly made: boolean } | { readonly heldBy: string };

/**
 * Provides a device's placeholder link with the wanted index. It reuses an existing link that fits. Otherwise it
 * removes links that do not fit, frees the device node and creates the link. Then it verifies that the device node
 * belongs to the new link. `onCreating` is called if nothing seems to have the index, just before the creation.
 *
 * Raises the kernel's errors. After an error no new link remains, with one exception. If the signal aborts while the
 * kernel is creating the link, the link remains, because a request that was sent cannot be cancelled. The orphan
 * collector removes such a link.
 */
export async function makePlaceholder(
  wanted: WantedLink,
  former: DeviceRecord | undefined,
  links: DeviceLinks,
  signal: AbortSignal,
  onCreating: () => void = () => {},
): Promise<Placeholder> {
  return (
    (await createAtOnce(wanted, links, signal, onCreating)) ?? (await createAfterCleanup(wanted, former, links, signal))
  );
}

/**
 * Reuses a known link, or creates the link with one request to the kernel, without looking up other links first. A
 * lookup could wait for the kernel's network lock (rtnl_lock), and is usually not needed. Returns undefined, and
 * creates nothing, if the name or the index is taken.
 */
async function createAtOnce(
  wanted: WantedLink,
  links: DeviceLinks,
  signal: AbortSignal,
  onCreating: () => void,
): Promise<Placeholder | undefined> {
  const tap = await links.readTapNode(wanted.ifindex, ['linkOfNode']);
  if (links.knownTaps?.has(wanted, tap)) return { tap, made: false };
  // A link without a device node is rare. The kernel then refuses the creation.
  if (tap.nodeDevice !== undefined) return undefined;
  onCreating();
  try {
    return await make(wanted, links, signal);
  } catch (thrown) {
    const { code } = MacvtapError.from(thrown);
    if (code === 'LinkNameTaken' || code === 'IfindexTaken') return undefined;
    throw thrown;
  }
}

/** Removes or reuses links that have the name or the index. Creates the link unless an existing one is reused. */
async function createAfterCleanup(
  wanted: WantedLink,
  former: DeviceRecord | undefined,
  links: DeviceLinks,
  signal: AbortSignal,
): Promise<Placeholder> {
  const byIfindex = await links.getLink({ ifindex: wanted.ifindex }, signal);
  // Names are unique within a namespace.
  const byName = byIfindex?.name === wanted.name ? byIfindex : await links.getLink({ name: wanted.name }, signal);
  const decision = decideLink(wanted, byName, byIfindex);
  if (decision.action === 'refuse') return { heldBy: `link ${decision.holder.name} (${decision.holder.kind})` };
  if (decision.action === 'reuse') {
    const tap = await links.readTapNode(wanted.ifindex, ['link']);
    if (tap.matches) return noted(wanted, links, { tap, made: false });
    // When the placeholder was created, another link of the same index had the device node. To get a device node, the
    // placeholder must be recreated, even if that other link is gone.
    await links.deleteLink(wanted.ifindex, signal);
  }
  if (decision.action === 'replace') {
    for (const { ifindex } of decision.remove) {
      await untilNodeIsGone(ifindex, links, links.deleteLink(ifindex, signal), signal);
    }
    faultPoint('allocate-leftover-removed');
  }
  if (!(await freeTapNode(wanted.ifindex, former, links, signal))) return { heldBy: 'a link of another namespace' };
  return await make(wanted, links, signal);
}

async function make(wanted: WantedLink, links: DeviceLinks, signal: AbortSignal): Promise<Placeholder> {
  faultPoint('allocate-node-free');
  await links.createMacvtap(wanted, signal);
  faultPoint('allocate-link-made');
  return await verifyNode(wanted, links);
}

async function verifyNode(wanted: WantedLink, links: DeviceLinks): Promise<Placeholder> {
  try {
    const tap = await links.readTapNode(wanted.ifindex, ['link']);
    if (tap.matches) return noted(wanted, links, { tap, made: true });
  } catch (thrown) {
    await undo(wanted, links);
    throw thrown;
  }
  // Another link of this index was created between the lookup and the creation.
  await undo(wanted, links);
  return { heldBy: 'a link of another namespace' };
}

function noted(
  wanted: WantedLink,
  { knownTaps }: DeviceLinks,
  placeholder: Placeholder & { tap: TapNode },
): Placeholder {
  knownTaps?.note(wanted, placeholder.tap);
  return placeholder;
}

/** Removes the link. It has a separate deadline, because it must also work if the caller's signal has aborted. */
async function undo({ ifindex }: WantedLink, links: DeviceLinks): Promise<void> {
  await links.deleteLink(ifindex, AbortSignal.timeout(undoMs));
}

/** The time limit for undoing a failed call. It is the same as that of Allocate. */
export const undoMs = 5_000;

/** The kernel operations that free a device node in /dev. */
export type NodeLinks = Pick<Links, 'getLinkIn' | 'deleteLinkIn'> &
  Partial<Pick<Links, 'onRemoval'>> & {
    readTapNode(ifindex: number, parts?: readonly TapPart[]): Promise<TapNode>;
  };

/**
 * Frees `/dev/tap<ifindex>` by deleting the former pod's link in the namespace that the ledger records. Returns false
 * if the device node belongs to a link that cannot be found. The caller must then use another index.
 *
 * Kubelet may allocate a device again as soon as the containers of its former pod have ended. The link of that pod is
 * removed seconds later. All network namespaces share /dev, so a second link of the same index, created before that,
 * would silently get no device node.
 */
export async function freeTapNode(
  ifindex: number,
  former: DeviceRecord | undefined,
  links: NodeLinks,
  signal: AbortSignal,
): Promise<boolean> {
  if ((await links.readTapNode(ifindex, [])).nodeDevice === undefined) return true;
  if (former?.attachment === undefined || former.ifindex !== ifindex) return false;
  const { attachment } = former;
  if (!(await isStillThere(attachment, ifindex, links, signal))) return false;
  return untilNodeIsGone(ifindex, links, links.deleteLinkIn(attachment.netnsPath, ifindex, signal), signal);
}

/**
 * Waits until the device node of a link that is being deleted is gone, which takes about a millisecond. The
 * acknowledgement takes ten times as long, because the kernel first waits for an RCU grace period. Returns false if the
 * device node still exists after the deletion has ended. Raises the errors of the deletion.
 *
 * For a link of the node's own namespace, an event shows the removal. The kernel sends none for links in pods, so the
 * device node is also read every millisecond.
 */
export async function untilNodeIsGone(
  ifindex: number,
  links: Pick<NodeLinks, 'readTapNode' | 'onRemoval'>,
  deletion: Promise<unknown>,
  signal: AbortSignal,
): Promise<boolean> {
  let ended = false;
  const ending = deletion.finally(() => {
    ended = true;
  });
  // The race below raises an error of the deletion. This handler ignores an error that occurs after the race.
  ending.catch(() => {});
  for (;;) {
    const wasEnded = ended;
    if ((await links.readTapNode(ifindex, [])).nodeDevice === undefined) return true;
    signal.throwIfAborted();
    if (wasEnded) {
      await ending;
      return false;
    }
    const { promise: news, resolve } = Promise.withResolvers<void>();
    using _listening = links.onRemoval?.((gone) => {
      if (gone.has(ifindex)) resolve();
    });
    const timer = setTimeout(resolve, 1);
    await Promise.race([ending, news]).finally(() => clearTimeout(timer));
  }
}

/**
 * Returns whether the former pod's link still exists. The inode is compared, because the recorded path may lead to a
 * new namespace by now. The name is compared, because another link may have the index.
 */
async function isStillThere(
  { netnsPath, netnsInode, ifname }: Attachment,
  ifindex: number,
  links: NodeLinks,
  signal: AbortSignal,
): Promise<boolean> {
  const inode = await stat(netnsPath).then(
    ({ ino }) => ino,
    () => undefined,
  );
  if (inode !== netnsInode) return false;
  const link = await links.getLinkIn(netnsPath, { ifindex }, signal);
  return link?.kind === 'macvtap' && link.name === ifname;
}
