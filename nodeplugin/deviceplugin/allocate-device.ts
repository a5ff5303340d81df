// SPDX-License-Identifier: Apache-2.0
import { decideLink, type StandingLink, type WantedLink } from '../../policy/device/decide-link.ts';
import { deviceIfindex } from '../../policy/device/ifindex.ts';
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { reasons } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { LinkKey } from '../links/get-link.ts';
import type { Links } from '../links/links.ts';
import type { TapNode } from '../links/tap-node.ts';
import type { ServedResource } from '../reconcile/decide-served.ts';

/** The kernel, as far as an allocation needs it. */
export type DeviceLinks = Pick<Links, 'createMacvtap' | 'deleteLink'> & {
  getLink(key: LinkKey, signal: AbortSignal): Promise<StandingLink | undefined>;
  readTapNode(ifindex: number): Promise<TapNode>;
};

/** Where devices are allocated. */
export interface AllocateContext {
  readonly nodeName: string;
  readonly links: DeviceLinks;
  /** The node's interface of that name, as it stands now. */
  readonly findInterface: (name: string) => InterfaceFacts | undefined;
}

/** A device whose link stands: `undo` removes it again, unless it stood there before. */
export interface AllocatedDevice {
  readonly id: string;
  readonly tapPath: string;
  readonly undo: () => Promise<void>;
}

/**
 * Makes a device's macvtap, down, on its resource's parent, or takes a leftover that fits, and proves that the tap in
 * `/dev` is the link's own. Raises UnknownDevice, ParentUnavailable, DeviceNameTaken, TapNodeUnusable and the kernel's
 * refusals; whatever is raised, no link that was not there before is left.
 */
export async function allocateDevice(
  id: string,
  served: ServedResource,
  context: AllocateContext,
  signal: AbortSignal,
): Promise<AllocatedDevice> {
  const { nodeName, links } = context;
  const wanted: WantedLink = {
    name: linkName(id),
    ifindex: deviceIfindex(nodeName, id),
    parentIfindex: findParent(id, served, context),
    mode: served.resource.mode,
  };
  const made = await bringAbout(id, wanted, served.resource, links, signal);
  const undo = async () => {
    // Not the caller's signal: what is undone because the caller gave up must be undone all the same.
    if (made) await links.deleteLink(wanted.ifindex, AbortSignal.timeout(undoMs));
  };
  try {
    const tap = await links.readTapNode(wanted.ifindex);
    if (!tap.matches) throw unusableTap(id, wanted, tap);
    return { id, tapPath: tap.path, undo };
  } catch (thrown) {
    await undo();
    throw thrown;
  }
}

/** The deadline of an Allocate again, for taking it back. */
const undoMs = 5_000;

function findParent(id: string, { resource, fault }: ServedResource, { findInterface }: AllocateContext): number {
  const { parent, name } = resource;
  const ifindex = findInterface(parent)?.ifindex;
  if (fault === undefined && ifindex !== undefined) return ifindex;
  const reason =
    fault === undefined || fault === 'NothingFound' ? `the node has no interface ${parent}` : reasons[fault];
  throw new MacvtapError(
    'ParentUnavailable',
    `device ${id}: parent ${parent} of resource ${name} cannot be used: ${reason}; bring it back or change what names it`,
    { facts: { device: id, parent, resource: name, ...(fault !== undefined && { reason: fault }) } },
  );
}

/** Returns whether a link was made. */
async function bringAbout(
  id: string,
  wanted: WantedLink,
  { parent, name }: PlannedResource,
  links: DeviceLinks,
  signal: AbortSignal,
): Promise<boolean> {
  const byName = await links.getLink({ name: wanted.name }, signal);
  const byIfindex = await links.getLink({ ifindex: wanted.ifindex }, signal);
  const decision = decideLink(wanted, byName, byIfindex);
  if (decision.action === 'reuse') return false;
  if (decision.action === 'refuse') throw takenBy(id, wanted, decision.holder);
  if (decision.action === 'replace') {
    for (const { ifindex } of decision.remove) await links.deleteLink(ifindex, signal);
  }
  try {
    await links.createMacvtap(wanted, signal);
    return true;
  } catch (thrown) {
    const error = MacvtapError.from(thrown);
    throw new MacvtapError(error.code, `device ${id} of resource ${name} on parent ${parent}: ${error.message}`, {
      facts: { ...error.facts, device: id, resource: name, parent },
      cause: thrown,
    });
  }
}

function takenBy(id: string, { name, ifindex }: WantedLink, holder: StandingLink): MacvtapError {
  return new MacvtapError(
    'DeviceNameTaken',
    `device ${id}: link ${holder.name} (index ${holder.ifindex}, ${holder.kind}) stands where ${name} (index ${ifindex}) ` +
      'must be, and it is none of ours; remove or rename it',
    { facts: { device: id, holder: holder.name } },
  );
}

function unusableTap(id: string, { ifindex }: WantedLink, tap: TapNode): MacvtapError {
  return new MacvtapError(
    'TapNodeUnusable',
    `device ${id}: ${tap.path} is not the node of link index ${ifindex}; is another link with this index in another network ` +
      'namespace, or is /dev no devtmpfs?',
    { facts: { device: id, path: tap.path } },
  );
}
