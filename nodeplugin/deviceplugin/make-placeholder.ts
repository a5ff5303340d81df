// SPDX-License-Identifier: Apache-2.0
import { decideLink, type StandingLink, type WantedLink } from '../../policy/device/decide-link.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import type { DeviceRecord } from '../ledger/device-record.ts';
import type { LinkKey } from '../links/get-link.ts';
import type { Links } from '../links/links.ts';
import type { TapNode } from '../links/tap-node.ts';
import { freeTapNode, type NodeLinks, untilNodeIsGone } from './free-tap-node.ts';

/** The kernel, as far as an allocation needs it. */
export type DeviceLinks = NodeLinks &
  Pick<Links, 'createMacvtap' | 'deleteLink'> & {
    getLink(key: LinkKey, signal: AbortSignal): Promise<StandingLink | undefined>;
  };

/** A placeholder that stands with its own node in /dev, or who holds its index. `made`: it did not stand before. */
export type Placeholder = { readonly tap: TapNode; readonly made: boolean } | { readonly heldBy: string };

/**
 * Brings a device's link about under one index: takes the one that stands when it fits, replaces one that does not,
 * frees the node, makes the link, and proves that the node in /dev is the link's own. Raises the kernel's refusals;
 * then no link is left that was not there before, unless the signal ended while the kernel was making one: what was sent
 * cannot be taken back, and the link is an orphan for the collector.
 */
export async function makePlaceholder(
  wanted: WantedLink,
  former: DeviceRecord | undefined,
  links: DeviceLinks,
  signal: AbortSignal,
): Promise<Placeholder> {
  return (await makeFirst(wanted, links, signal)) ?? (await makeBeside(wanted, former, links, signal));
}

/**
 * The usual case, with one message to the kernel: where no tap of the index is to be seen the link is made without a look
 * for others, each of which may wait for the kernel's network lock. Undefined, and nothing is made, where the name or the
 * index is taken nevertheless.
 */
async function makeFirst(
  wanted: WantedLink,
  links: DeviceLinks,
  signal: AbortSignal,
): Promise<Placeholder | undefined> {
  const { linkDevice, nodeDevice } = await links.readTapNode(wanted.ifindex);
  if (linkDevice !== undefined || nodeDevice !== undefined) return undefined;
  try {
    return await make(wanted, links, signal);
  } catch (thrown) {
    const { code } = MacvtapError.from(thrown);
    if (code === 'LinkNameTaken' || code === 'IfindexTaken') return undefined;
    throw thrown;
  }
}

/** Where something stands under the name or the index. */
async function makeBeside(
  wanted: WantedLink,
  former: DeviceRecord | undefined,
  links: DeviceLinks,
  signal: AbortSignal,
): Promise<Placeholder> {
  const byIfindex = await links.getLink({ ifindex: wanted.ifindex }, signal);
  // No two links of a namespace have one name.
  const byName = byIfindex?.name === wanted.name ? byIfindex : await links.getLink({ name: wanted.name }, signal);
  const decision = decideLink(wanted, byName, byIfindex);
  if (decision.action === 'refuse') return { heldBy: `link ${decision.holder.name} (${decision.holder.kind})` };
  if (decision.action === 'reuse') {
    const tap = await links.readTapNode(wanted.ifindex);
    if (tap.matches) return { tap, made: false };
    // Its node went with a link elsewhere that had the same index: it can only be made anew.
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
  return await proveNode(wanted, links);
}

async function proveNode(wanted: WantedLink, links: DeviceLinks): Promise<Placeholder> {
  try {
    const tap = await links.readTapNode(wanted.ifindex);
    if (tap.matches) return { tap, made: true };
  } catch (thrown) {
    await undo(wanted, links);
    throw thrown;
  }
  // Between the look and the creation somebody else made a link of this index.
  await undo(wanted, links);
  return { heldBy: 'a link of another namespace' };
}

/** Not under the caller's signal: what is undone because the caller gave up must be undone all the same. */
async function undo({ ifindex }: WantedLink, links: DeviceLinks): Promise<void> {
  await links.deleteLink(ifindex, AbortSignal.timeout(undoMs));
}

/** As long as an Allocate may take. */
export const undoMs = 5_000;
