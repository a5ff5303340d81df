// SPDX-License-Identifier: Apache-2.0
import type { WantedLink } from '../../policy/device/decide-link.ts';
import { deviceIfindex, linkName, parseDeviceID } from '../../policy/device/device-id.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import type { PlannedResource } from '../../policy/plan/node-plan.ts';
import { type ReasonCode, reasons } from '../../policy/reasons.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { Admission } from '../admission/open-admission.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { type AllocateStep, type StepListener, timeStep } from '../time-step.ts';
import { type DeviceLinks, makePlaceholder, undoMs } from './placeholder-link.ts';
import { type ClaimedPart, createRecording, type Recording } from './record-allocation.ts';
import type { AllocateRequest, ContainerAllocateResponse, DeviceSpec } from './v1beta1.ts';

/**
 * Allocates all devices of a request or none: if a step fails, the earlier steps of the call are undone. Kubelet may
 * call again with the same devices or with others, so every step can be repeated.
 */
export async function allocateContainers(
  requests: AllocateRequest['container_requests'],
  allocatable: AllocatableResource,
  context: AllocateContext,
  signal: AbortSignal,
): Promise<readonly ContainerAllocateResponse[]> {
  const { resource } = allocatable;
  checkOffered(
    requests.flatMap(({ devices_ids }) => devices_ids),
    allocatable,
  );
  const responses: ContainerAllocateResponse[] = [];
  await using undo = new AsyncDisposableStack();
  for (const { devices_ids } of requests) {
    const paths: string[] = [];
    for (const id of devices_ids) {
      const device = await allocateDevice(id, allocatable, context, signal);
      undo.defer(device.undo);
      paths.push(device.tapPath);
    }
    responses.push({ devices: [...paths, ...(resource.needVhostNet ? ['/dev/vhost-net'] : [])].map(toSpec) });
  }
  undo.move();
  return responses;
}

function checkOffered(ids: readonly string[], { resource }: AllocatableResource): void {
  const { name, quantity } = resource;
  const isOffered = (id: string) => {
    const device = parseDeviceID(id);
    return device?.resourceName === name && device.index < quantity;
  };
  const strangers = ids.filter((id) => !isOffered(id));
  if (strangers.length === 0) return;
  throw new MacvtapError(
    'UnknownDevice',
    `device ${strangers.join(', ')}: resource ${name} offers ${name}Mvp0 to ${name}Mvp${quantity - 1}; ` +
      'delete the pod, so that kubelet chooses another device',
    { facts: { resource: name, quantity } },
  );
}

function toSpec(path: string): DeviceSpec {
  return { container_path: path, host_path: path, permissions: 'rw' };
}

/** The dependencies of Allocate. */
export interface AllocateContext {
  readonly nodeName: string;
  readonly links: DeviceLinks;
  readonly ledger: Pick<Ledger, 'get' | 'findByIfindex' | 'record' | 'forget'>;
  /** Returns the node's current interface of that name. */
  readonly findInterface: (name: string) => InterfaceFacts | undefined;
  readonly admission: Pick<Admission, 'restrictionOf' | 'checkStart'>;
  readonly onStep?: StepListener<AllocateStep> | undefined;
}

/** A resource, and whether its devices can be allocated now. */
export interface AllocatableResource {
  readonly resource: PlannedResource;
  /** The reason why none of its devices can be allocated now. */
  readonly fault?: ReasonCode;
}

/** An allocated device, with a link and a ledger entry. `undo` removes both, unless the link existed before. */
export interface AllocatedDevice {
  readonly id: string;
  readonly tapPath: string;
  readonly undo: () => Promise<void>;
}

/** The maximum number of indexes to try. The probability that an index is taken is (links on the machine) / 2^30. */
const maxAttempts = 8;

/**
 * Creates a device's macvtap on its resource's parent, and records it. The link is down. Both allocation APIs use this
 * function.
 *
 * The link gets the device's first index that is free. An index is taken if another device has it, or a link that
 * cannot be removed.
 *
 * Raises `ParentUnavailable`, `DeviceClaimed`, `TapNodeTaken`, and the errors of the kernel and of the ledger. After an
 * error no new link remains, with one exception: the kernel may still be creating a link when the signal aborts. The
 * orphan collector removes that link.
 */
export async function allocateDevice(
  id: string,
  allocatable: AllocatableResource,
  context: AllocateContext,
  signal: AbortSignal,
  claimed: ClaimedPart = {},
): Promise<AllocatedDevice> {
  const { resource } = allocatable;
  checkClaim(id, claimed, context);
  const parentIfindex = findParent(id, allocatable, context);
  const holders: string[] = [];
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const ifindex = deviceIfindex(context.nodeName, id, attempt);
    // Indexes are hashes, so devices can share one. It is taken even while the other device has no link, for example
    // after a reboot, because kubelet keeps its tap's path.
    const twin = context.ledger.findByIfindex(ifindex).find((other) => other !== id);
    if (twin !== undefined) {
      holders.push(`/dev/tap${ifindex} by device ${twin}`);
      continue;
    }
    const wanted: WantedLink = { name: linkName(id), ifindex, parentIfindex, mode: resource.mode };
    const former = context.ledger.get(id);
    const recording = createRecording(id, { wanted, attempt, resource, former, claimed }, context);
    const make = () => makePlaceholder(wanted, former, context.links, signal, recording.mayBegin);
    const placeholder = await timeStep('make', context, make).catch(async (thrown: unknown) => {
      await recording.undo();
      throw refused(id, resource, thrown);
    });
    if ('heldBy' in placeholder) {
      await recording.undo();
      holders.push(`/dev/tap${ifindex} by ${placeholder.heldBy}`);
      continue;
    }
    return finish(id, wanted, placeholder, { recording, isRenewed: former?.claim !== undefined }, context);
  }
  throw new MacvtapError(
    'TapNodeTaken',
    `device ${id}: all ${maxAttempts} indexes are held (${holders.join(', ')}); remove the links of former pods`,
    { facts: { device: id } },
  );
}

/** Checks that no other claim holds the device. */
function checkClaim(id: string, { claim }: ClaimedPart, { ledger }: AllocateContext): void {
  const holder = ledger.get(id)?.claim;
  if (holder === undefined || holder.uid === claim?.uid) return;
  // The error appears in an event on the pod, so the names of another namespace's objects are not shown.
  const isOwn = holder.namespace === claim?.namespace;
  const name = isOwn ? `ResourceClaim ${holder.namespace}/${holder.name}` : "another pod's ResourceClaim";
  throw new MacvtapError(
    'DeviceClaimed',
    `device ${id} is still prepared for ${name}; kubelet tries again after it has unprepared that claim`,
    { facts: { device: id, namespace: holder.namespace, claim: holder.name } },
  );
}

async function finish(
  id: string,
  { ifindex }: WantedLink,
  { tap, made }: Extract<Awaited<ReturnType<typeof makePlaceholder>>, { made: boolean }>,
  { recording, isRenewed }: { readonly recording: Recording; readonly isRenewed: boolean },
  { ledger, links }: AllocateContext,
): Promise<AllocatedDevice> {
  const removeLink = async () => {
    if (made) await links.deleteLink(ifindex, AbortSignal.timeout(undoMs));
  };
  try {
    await recording.done();
  } catch (thrown) {
    await removeLink();
    throw thrown;
  }
  faultPoint('allocate-recorded');
  const undo = async () => {
    await removeLink();
    // If the entry cannot be removed, for example because the disk is full, the orphan collector removes it later. The
    // entry of a claim that was prepared before stays, because kubelet prepares it again.
    if (isRenewed) await recording.undo();
    else if (made) await ledger.forget(id).catch(() => undefined);
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
    `device ${id}: parent ${parent} of resource ${name} cannot be used: ${reason}; bring it back, or change the policy or flag that names it`,
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
