// SPDX-License-Identifier: Apache-2.0
import type { AllocatedClaim, AllocationResult } from '../../cluster/api/lookups.ts';
import { linkName } from '../../policy/device/device-id.ts';
import { draDeviceName, draDriver } from '../../policy/device/dra-names.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { KeyedMutex } from '../../runtime/locks.ts';
import type { Admission } from '../admission/open-admission.ts';
import { isSandboxThere, withoutAttachment } from '../cni/attachments.ts';
import { type AllocatableResource, type AllocateContext, allocateDevice } from '../deviceplugin/allocate.ts';
import type { ClaimedPart } from '../deviceplugin/record-allocation.ts';
import type { DeviceRecord, PreparedClaim } from '../ledger/device-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { beginStep } from '../time-step.ts';
import { type CDIDirectory, cdiDeviceID } from './cdi-spec.ts';

/** A claim as kubelet names it. */
export type ClaimRef = Pick<PreparedClaim, 'namespace' | 'name' | 'uid'>;

/** A prepared device, as kubelet gets it. */
export interface PreparedDevice {
  readonly request: string;
  readonly pool: string;
  readonly device: string;
  readonly cdiDeviceID: string;
}

/** Returns undefined if the claim does not exist. */
type FindClaim = (ref: ClaimRef, signal: AbortSignal) => Promise<AllocatedClaim | undefined>;

export interface PrepareContext extends AllocateContext {
  readonly ledger: AllocateContext['ledger'] & Pick<Ledger, 'entries'>;
  readonly admission: AllocateContext['admission'] & Pick<Admission, 'checkAttach'>;
  readonly findClaim: FindClaim;
  readonly cdi: CDIDirectory;
  /** The lock that Allocate and ADD take. Its keys are link names. */
  readonly lock: KeyedMutex;
  /** Returns the ID of the device with this name in the node's ResourceSlices, or undefined if there is none. */
  readonly deviceOf: (deviceName: string) => string | undefined;
  /** Returns the resource of a device if this node now offers it through DRA. */
  readonly allocatable: (id: string) => AllocatableResource | undefined;
  /** Returns whether a pod holds the device by the device plugin API, or may still hold it. */
  readonly isHeldByPlugin: (id: string) => boolean;
}

/**
 * Prepares a claim: creates a placeholder link for each of its devices, records the devices with the claim, and writes
 * the claim's CDI file. Kubelet repeats the call until it succeeds, and repeats it for each claim after its start.
 * Every step can therefore be repeated, also after this process was killed between two steps. A device that is in a pod
 * is not touched. If a step fails, the links that this call created are removed.
 *
 * Raises `ClaimRefused`, `LookupFailed`, `DeviceClaimed`, `NamespaceNotAdmitted`, and the errors of `allocateDevice`
 * and of the CDI file.
 */
export async function prepareClaim(
  ref: ClaimRef,
  context: PrepareContext,
  signal: AbortSignal,
): Promise<readonly PreparedDevice[]> {
  const claim = await context.findClaim(ref, signal);
  const wanted = chooseDevices(ref, claim, context);
  using waited = beginStep('wait', context);
  return await context.lock.run(
    wanted.map(({ id }) => linkName(id)),
    async () => {
      waited.end();
      await using undo = new AsyncDisposableStack();
      const devices = [];
      for (const { id, result } of wanted) {
        const taps = await prepareDevice(id, { ref, pods: claim?.pods ?? [], result }, undo, context, signal);
        devices.push({ name: result.device, paths: taps });
      }
      await context.cdi.write(ref, devices);
      faultPoint('claim-prepared');
      undo.move();
      return wanted.map(({ result: { request, pool, device } }) => ({
        request,
        pool,
        device,
        cdiDeviceID: cdiDeviceID(ref, device),
      }));
    },
    signal,
  );
}

interface Wanted {
  readonly id: string;
  readonly result: AllocationResult;
}

/** Finds the devices of a claim. Nothing is changed before the whole claim is known to be usable. */
function chooseDevices(
  ref: ClaimRef,
  claim: AllocatedClaim | undefined,
  { nodeName, deviceOf, ledger }: PrepareContext,
): readonly Wanted[] {
  const refuse = (why: string) => refused(ref, why);
  if (claim === undefined || claim.uid !== ref.uid) throw refuse('it no longer exists; delete the pod');
  const config = claim.configs.find(({ driver }) => driver === draDriver);
  if (config !== undefined) {
    throw refuse(`it has a configuration of kind ${config.kind.slice(0, 60)}, and this driver has none; remove it`);
  }
  const results = claim.results.filter(({ driver }) => driver === draDriver);
  if (results.length === 0) throw refuse('it has no device of this driver; delete the pod');
  return results.map((result) => {
    const { device, pool, adminAccess } = result;
    if (pool !== nodeName) throw refuse(`its device ${device} is on node ${pool}, and this node is ${nodeName}`);
    if (adminAccess) throw refuse('it requests admin access, and a macvtap has only one user; remove adminAccess');
    // No two devices have the same name. A device of a prepared claim may no longer be offered.
    const id = deviceOf(device) ?? ofClaim(ref, ledger).find(([id]) => draDeviceName(id) === device)?.[0];
    if (id === undefined) throw refuse(`its device ${device} is no longer offered on this node; delete the pod`);
    return { id, result };
  });
}

/** Returns the devices in the ledger that are prepared for the claim. */
function ofClaim({ uid }: Pick<ClaimRef, 'uid'>, ledger: Pick<Ledger, 'entries'>): ReturnType<Ledger['entries']> {
  return ledger.entries().filter(([, { claim }]) => claim?.uid === uid);
}

interface Preparing {
  readonly ref: ClaimRef;
  readonly pods: AllocatedClaim['pods'];
  readonly result: AllocationResult;
}

/** Prepares one device. Returns the paths of its device nodes. */
async function prepareDevice(
  id: string,
  { ref, pods, result }: Preparing,
  undo: AsyncDisposableStack,
  context: PrepareContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { ledger, admission, links } = context;
  const known = ledger.get(id);
  const before = known?.claim?.uid === ref.uid ? known : undefined;
  if (before?.attachment !== undefined && isSandboxThere(before.attachment)) {
    await addPods(id, before, pods, ledger);
    return pathsOf((await links.readTapNode(before.ifindex, [])).path, before.claim);
  }
  const allocatable = before === undefined ? offered(id, ref, context) : recorded(before);
  const prepared: PreparedClaim = {
    ...ref,
    request: result.request,
    pods: pods.map(({ uid }) => uid),
    ...(allocatable.resource.needVhostNet && { vhostNet: true as const }),
  };
  const part: ClaimedPart = { ...(before && podPart(before)), claim: prepared };
  // Kubelet starts the pod's containers even if no network has been attached, so the namespace is checked here as well.
  const { parent, mode, name } = allocatable.resource;
  const pod = {
    namespace: ref.namespace,
    name: pods[0]?.name ?? '',
    ...(part.podUID !== undefined && { uid: part.podUID }),
  };
  await admission.checkAttach(id, { resource: name, parent, mode, ifindex: 0, attempt: 0, ...part }, pod);
  const device = await allocateDevice(id, allocatable, context, signal, part);
  undo.defer(device.undo);
  return pathsOf(device.tapPath, prepared);
}

/** Records the pods that the claim was reserved for since it was prepared. */
async function addPods(
  id: string,
  { lastUsed, ...entry }: DeviceRecord,
  pods: AllocatedClaim['pods'],
  ledger: Pick<Ledger, 'record'>,
): Promise<void> {
  const { claim } = entry;
  const uids = pods.map(({ uid }) => uid);
  if (claim === undefined || uids.every((uid) => claim.pods.includes(uid))) return;
  await ledger.record(id, { ...entry, claim: { ...claim, pods: uids } });
}

function offered(id: string, ref: ClaimRef, { allocatable, isHeldByPlugin }: PrepareContext): AllocatableResource {
  const resource = allocatable(id);
  if (resource === undefined) throw refused(ref, `device ${id} is no longer offered through DRA; delete the pod`);
  if (!isHeldByPlugin(id)) return resource;
  throw refused(ref, `a pod holds device ${id} by the device plugin API, or may still hold it; kubelet tries again`);
}

/** Returns the resource of a device that was prepared before. Later changes of policies do not affect it. */
function recorded({ resource: name, parent, mode, claim }: DeviceRecord): AllocatableResource {
  const needVhostNet = claim?.vhostNet === true;
  return { resource: { name, parent, mode, needVhostNet, quantity: 0, numaNodes: [], source: 'policy' } };
}

/**
 * Keeps the device's pod and its MAC address, because the same pod gets the device again, for example after a reboot.
 */
function podPart(before: DeviceRecord): ClaimedPart {
  const { pod, podUID, podMAC } = withoutAttachment(before);
  return {
    ...(pod !== undefined && { pod }),
    ...(podUID !== undefined && { podUID }),
    ...(podMAC !== undefined && { podMAC }),
  };
}

function pathsOf(tap: string, claim: PreparedClaim | undefined): readonly string[] {
  return [tap, ...(claim?.vhostNet ? ['/dev/vhost-net'] : [])];
}

/**
 * Reverts the preparation of a claim. The CDI file is removed first, and the ledger records the end last, so a call
 * that is repeated finds what is left. The links of the devices are removed by DEL, or by the orphan collector. Does
 * nothing for an unknown claim.
 */
export async function unprepareClaim(
  { uid }: Pick<ClaimRef, 'uid'>,
  { ledger, lock, cdi }: Pick<PrepareContext, 'ledger' | 'lock' | 'cdi'>,
  signal: AbortSignal,
): Promise<void> {
  await lock.run(
    ofClaim({ uid }, ledger).map(([id]) => linkName(id)),
    async () => {
      await cdi.remove(uid);
      faultPoint('claim-file-removed');
      for (const [id, { claim, lastUsed, ...entry }] of ofClaim({ uid }, ledger)) await ledger.record(id, entry);
      faultPoint('claim-unprepared');
    },
    signal,
  );
}

/** For an installation that no longer allows DRA: finds only claims that are prepared. Raises `ClaimRefused`. */
export function createLedgerLookup(ledger: Pick<Ledger, 'entries'>, nodeName: string): FindClaim {
  return async (ref) => {
    const prepared = ofClaim(ref, ledger).flatMap(([id, { claim }]) => (claim ? [{ id, claim }] : []));
    const pods = prepared[0]?.claim.pods.map((uid) => ({ name: '', uid }));
    const advice = 'delete the pod, or set node.allocationByLabel: true in the chart until the pods with claims end';
    if (pods === undefined) throw refused(ref, `this node may no longer use DRA; ${advice}`);
    const results = prepared.map(({ id, claim: { request } }) => {
      return { request, driver: draDriver, pool: nodeName, device: draDeviceName(id) ?? '', adminAccess: false };
    });
    return { uid: ref.uid, pods, results, configs: [] };
  };
}

function refused({ namespace, name }: Omit<ClaimRef, 'uid'>, why: string): MacvtapError {
  return new MacvtapError('ClaimRefused', `ResourceClaim ${namespace}/${name} cannot be prepared: ${why}`, {
    facts: { namespace, claim: name },
  });
}
