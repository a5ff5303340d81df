// SPDX-License-Identifier: Apache-2.0
import type { WantedLink } from '../../policy/device/decide-link.ts';
import { deviceIfindex } from '../../policy/device/ifindex.ts';
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { type ReasonCode, reasons } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type StepListener, timeStep } from '../time-step.ts';
import type { AllocateStep } from './allocate-steps.ts';
import { type DeviceLinks, makePlaceholder, undoMs } from './make-placeholder.ts';

/** Where devices are allocated. */
export interface AllocateContext {
  readonly nodeName: string;
  readonly links: DeviceLinks;
  readonly ledger: Pick<Ledger, 'get' | 'entries' | 'record' | 'forget'>;
  /** The node's interface of that name, as it stands now. */
  readonly findInterface: (name: string) => InterfaceFacts | undefined;
  readonly onStep?: StepListener<AllocateStep> | undefined;
}

/** A resource whose devices are given out. */
export interface AllocatableResource {
  readonly resource: PlannedResource;
  /** Why nothing of it is given out now. */
  readonly fault?: ReasonCode;
}

/** A device whose link stands and is in the ledger; `undo` takes both back, unless the link stood there before. */
export interface AllocatedDevice {
  readonly id: string;
  readonly tapPath: string;
  readonly undo: () => Promise<void>;
}

/** How many indexes are tried: each is taken with a probability of (links on the machine) / 2^30. */
const maxAttempts = 8;

/**
 * Makes a device's macvtap, down, on its resource's parent, and records it. The index is the device's own; only while a
 * link that cannot be removed holds it, or another device was given it, is another one taken. Raises ParentUnavailable, TapNodeTaken, the kernel's refusals
 * and the ledger's; whatever is raised, no link that was not there before is left, but for one that the kernel
 * was still making when the signal ended: that one is an orphan.
 */
export async function allocateDevice(
  id: string,
  allocatable: AllocatableResource,
  context: AllocateContext,
  signal: AbortSignal,
): Promise<AllocatedDevice> {
  const { resource } = allocatable;
  const parentIfindex = findParent(id, allocatable, context);
  const holders: string[] = [];
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const ifindex = deviceIfindex(context.nodeName, id, attempt);
    const twin = findTwin(id, ifindex, context);
    if (twin !== undefined) {
      holders.push(`/dev/tap${ifindex} by device ${twin}`);
      continue;
    }
    const wanted: WantedLink = { name: linkName(id), ifindex, parentIfindex, mode: resource.mode };
    const former = context.ledger.get(id);
    const make = () => makePlaceholder(wanted, former, context.links, signal);
    const placeholder = await timeStep('make', context, make).catch((thrown: unknown) => {
      throw refused(id, resource, thrown);
    });
    if ('heldBy' in placeholder) {
      holders.push(`/dev/tap${ifindex} by ${placeholder.heldBy}`);
      continue;
    }
    return record(id, wanted, attempt, resource, placeholder, context);
  }
  throw new MacvtapError(
    'TapNodeTaken',
    `device ${id}: all ${maxAttempts} indexes are held (${holders.join(', ')}); remove what is left of former pods`,
    { facts: { device: id } },
  );
}

/**
 * Another device with the same index by chance: its container was promised the tap, and it may have no link right now,
 * as its sandbox is being made anew or the node was rebooted.
 */
function findTwin(id: string, ifindex: number, { ledger }: AllocateContext): string | undefined {
  return ledger.entries().find(([other, record]) => other !== id && record.ifindex === ifindex)?.[0];
}

async function record(
  id: string,
  { ifindex, parentIfindex }: WantedLink,
  attempt: number,
  { name, parent, mode }: PlannedResource,
  { tap, made }: Extract<Awaited<ReturnType<typeof makePlaceholder>>, { made: boolean }>,
  context: AllocateContext,
): Promise<AllocatedDevice> {
  const { ledger, links } = context;
  const removeLink = async () => {
    if (made) await links.deleteLink(ifindex, AbortSignal.timeout(undoMs));
  };
  try {
    const entry = { resource: name, parent, parentIfindex, mode, ifindex, attempt };
    await timeStep('record', context, () => ledger.record(id, entry));
  } catch (thrown) {
    await removeLink();
    throw thrown;
  }
  faultPoint('allocate-recorded');
  const undo = async () => {
    await removeLink();
    // What cannot be forgotten now (the disk is full) is an entry without a link, which the collector finds.
    if (made) await ledger.forget(id).catch(() => undefined);
  };
  return { id, tapPath: tap.path, undo };
}

function findParent(id: string, { resource, fault }: AllocatableResource, { findInterface }: AllocateContext): number {
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

function refused(id: string, { name, parent }: PlannedResource, thrown: unknown): MacvtapError {
  const error = MacvtapError.from(thrown);
  return new MacvtapError(error.code, `device ${id} of resource ${name} on parent ${parent}: ${error.message}`, {
    facts: { ...error.facts, device: id, resource: name, parent },
    cause: thrown,
  });
}
