// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { linkName } from '../../policy/device/device-id.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-points.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';
import { beginStep, timeStep } from '../time-step.ts';
import { checkMode, checkName, explainRefusal } from './attach-conflicts.ts';
import { podUIDOf, withoutAttachment } from './attachments.ts';
import type { CNIContext, ShimRights } from './cni-context.ts';
import { removeAttachedLink } from './detach.ts';
import { describePod } from './device-claim.ts';
import { findDevice, readDeviceID } from './find-device.ts';
import { findParent } from './locate-device.ts';
import { type OpenNetns, openNetns } from './open-netns.ts';
import { chooseMAC } from './pod-mac.ts';
import { createLinkWithTap, freeIndexAndNode, giveTapToOwner } from './pod-tap.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';
import { makeResult } from './spec/cni-protocol.ts';
import type { NetConf } from './spec/net-conf.ts';

/** The deadline for undoing a failed ADD. It does not depend on the caller's signal, which may have aborted already. */
const undoMs = 5_000;

/** The inputs of an ADD: the device, its parent, the pod and the network configuration. */
interface Attaching {
  readonly id: string;
  readonly entry: DeviceEntry;
  readonly parent: InterfaceFacts & { readonly ifindex: number };
  readonly attachment: Attachment;
  readonly pod: CNIEnvironment['pod'];
  readonly netns: OpenNetns;
  readonly conf: NetConf;
}

/**
 * Attaches a pod: creates its device's link in the pod's network namespace and returns the CNI result.
 *
 * The steps are the same for a first start, a recreated sandbox and a rebooted node. The link always gets the device's
 * own index, because Allocate gave kubelet the path `/dev/tap<index>`. If a step fails, the earlier steps are undone:
 * the pod then has no link, and the device is free.
 *
 * Raises `DeviceMissing`, `DeviceNotAllocated`, `DeviceHeldElsewhere`, `DeviceNamedTwice`, `PlanUnknown`,
 * `NamespaceNotAdmitted`, `NamespaceUnknown`, `ModeConflict`, `ParentUnavailable`, `PodOwnerUnknown`, `TapNodeTaken`,
 * `TapNodeNotOwned`, `TapNodeUnreadable`, `NetnsInvalid`, and the errors of link creation and of the ledger.
 */
export async function add(
  environment: CNIEnvironment,
  conf: NetConf,
  shim: ShimRights,
  context: CNIContext,
  signal: AbortSignal,
): Promise<string> {
  const id = await readDeviceID(conf, context, environment, signal);
  warnIgnored(conf, context);
  using netns = openNetns(environment.netns);
  using waited = beginStep('wait', context);
  return await context.lock.run(
    [linkName(id)],
    async () => {
      waited.end();
      const known = await findDevice(id, environment, context, signal);
      await context.admission.checkAttach(id, known, environment.pod);
      checkMode(id, known, conf, context);
      const parent = findParent(id, known, context);
      const podUID = podUIDOf(known);
      // If ADD fails, it writes this entry back without an attachment. Its podUID then still identifies the device's
      // last pod.
      const entry = { ...known, ...(podUID !== undefined && { podUID }), parent: parent.name };
      const mac = await chooseMAC(id, entry, { parent, conf, environment, ...context }, signal);
      const { containerID, ifname, pod, sandbox } = environment;
      const mtu = conf.mtu ?? parent.mtu;
      await using loan = new AsyncDisposableStack();
      const descriptor = await borrowForTarget(id, entry, environment, { shim, context, signal });
      if (descriptor !== undefined) loan.defer(async () => closeSync(descriptor));
      const attachment = {
        containerID,
        ifname,
        netnsPath: netns.path,
        netnsInode: netns.inode,
        mac,
        mtu,
        ...(pod?.uid !== undefined && { podUID: pod.uid }),
        ...(descriptor !== undefined && { parked: true as const }),
        network: conf.name,
      };
      checkName(id, entry, attachment);
      const attaching = { id, entry, parent, attachment, pod, netns, conf };
      // The result is encoded before the link is created, so that ADD changes nothing if the encoding fails.
      const result = makeResult(conf, { ifname, mac, mtu, sandbox });
      const existing = await findExistingTap(attaching, context, signal);
      await using undo = new AsyncDisposableStack();
      const taps = existing ?? (await attach(attaching, undo, context, signal));
      await timeStep('own', context, () =>
        giveTapToOwner({ id, ifindex: entry.ifindex, ifname, conf, taps }, shim, context, signal),
      );
      if (descriptor !== undefined) {
        loan.move();
        context.migrations?.park(id, entry.ifindex, descriptor);
      }
      undo.move();
      context.migrations?.attached(pod);
      return result;
    },
    signal,
  );
}

/**
 * Gets an rtnetlink socket of the pod's namespace from the shim if the pod is the target of a live migration. Returns
 * undefined for any other pod, if the device's mode is not bridge, and if the shim cannot open the socket.
 *
 * During ADD, the guest still runs on another node. In mode bridge, the new link would receive the frames that other
 * macvtaps of this node send to the guest. The link therefore starts in mode private. After the migration, the socket
 * is used to set it to mode bridge (../migration/open-migrations.ts).
 *
 * Without a socket, the link starts in mode bridge: losing frames for a few seconds is better than a failed migration.
 */
async function borrowForTarget(
  id: string,
  { mode }: DeviceEntry,
  { pod }: CNIEnvironment,
  { shim, context, signal }: { shim: ShimRights; context: CNIContext; signal: AbortSignal },
): Promise<number | undefined> {
  if (mode !== 'bridge' || !(await context.migrations?.isWaitingTarget(pod, signal))) return undefined;
  return await shim.lendNetlink(signal).catch((thrown: unknown) => {
    if (signal.aborted) throw thrown;
    const { code, message } = MacvtapError.from(thrown);
    const text = `device ${id}: ${message}; until the guest arrives, other macvtaps on this node cannot reach it`;
    context.onTrouble(new MacvtapError(code, text, { cause: thrown }));
    return undefined;
  });
}

/**
 * Finds the link that an earlier run of the same ADD created. Returns the device number of the link's tap, or undefined
 * if the link must be created. A runtime repeats an ADD if it lost the answer. Recreating the link would then
 * disconnect a process that already has the link's tap open.
 */
async function findExistingTap(
  { entry, attachment, parent }: Attaching,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const { attachment: before, ifindex, mode } = entry;
  if (before?.containerID !== attachment.containerID || before.ifname !== attachment.ifname) return undefined;
  if (before.netnsInode !== attachment.netnsInode || before.mac !== attachment.mac) return undefined;
  if ((await links.readTapNode(ifindex, [])).nodeDevice === undefined) return undefined;
  const link = await links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
  const stands =
    link?.kind === 'macvtap' &&
    link.up &&
    link.name === attachment.ifname &&
    link.macvtapMode === (attachment.parked ? 'private' : mode) &&
    link.macAddress === attachment.mac &&
    link.parentIfindexElsewhere === parent.ifindex &&
    link.mtu === attachment.mtu;
  if (!stands) return undefined;
  const taps = links.listTaps(ifindex);
  // Taps in different namespaces can have the same index, and /dev then has a device node for only one of them. To find
  // out which one, `createLinkWithTap` must recreate the link.
  return taps.length > 1 ? undefined : taps;
}

/**
 * Creates the link. Returns the device numbers of the taps with the device's index: the link's own, and any that belong
 * to other links.
 */
async function attach(
  { id, entry, parent, attachment, pod, netns, conf }: Attaching,
  undo: AsyncDisposableStack,
  context: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { links } = context;
  const device = withoutAttachment(entry);
  if (!(await links.rememberNetns(netns.fd, netns.path, signal)))
    throw netns.invalid('it is not a network namespace: check what the container runtime mounts there');
  const attached = { ...device, parentIfindex: parent.ifindex, ...(pod && { pod: describePod(pod) }), attachment };
  const freeing = timeStep('free', context, () =>
    freeIndexAndNode(id, { ...entry, parentIfindex: parent.ifindex }, context, signal),
  );
  // An earlier attachment in the ledger shows where its link is, so it must not be overwritten until that link is
  // removed.
  if (entry.attachment !== undefined) await freeing;
  // The attachment is recorded before the link exists. If this process is killed in between, DEL or the next ADD can
  // still find the link.
  const recording = timeStep('record', context, () => record(id, attached, context));
  const [freed, recorded] = await Promise.allSettled([freeing, recording]);
  if (recorded.status === 'fulfilled') {
    undo.defer(() => context.ledger.record(id, device).catch((thrown) => context.onTrouble(MacvtapError.from(thrown))));
  }
  if (freed.status === 'rejected') throw freed.reason;
  if (recorded.status === 'rejected') throw recorded.reason;
  undo.defer(async () => {
    const deadline = AbortSignal.timeout(undoMs);
    await removeAttachedLink({ id, record: { ...attached, lastUsed: 0 } }, context, deadline).catch((thrown) =>
      context.onTrouble(MacvtapError.from(thrown)),
    );
  });
  signal.throwIfAborted();
  const request = {
    name: attachment.ifname,
    ifindex: entry.ifindex,
    parentIfindex: parent.ifindex,
    mode: attachment.parked ? ('private' as const) : entry.mode,
    // A passthru link has its parent's address. The kernel accepts no other address.
    ...(entry.mode !== 'passthru' && { macAddress: attachment.mac }),
    ...(conf.mtu !== undefined && { mtu: conf.mtu }),
    up: true,
    promiscuous: conf.promiscMode,
    allMulticast: conf.multicast === 'all',
    silent: true,
    netnsFd: netns.fd,
  };
  // The signal is not passed on, because the kernel completes a request that was already sent. An abort would end only
  // the wait, and leave the link behind.
  const create = async () => {
    await timeStep('create', context, () => links.createMacvtap(request)).catch((thrown: unknown) => {
      throw explainRefusal(thrown, id, attached, context);
    });
    faultPoint('cni-add-link-made');
  };
  return await createLinkWithTap(create, attached, links, signal);
}

/**
 * Warns about keys that have no effect. Existing networks contain such keys, because macvtap-cni ignored them silently.
 */
function warnIgnored({ name, ignored }: NetConf, { onTrouble }: CNIContext): void {
  if (ignored.length === 0) return;
  const text =
    `network ${name} has ${ignored.join(' and ')}, which the macvtap plugin ignores, because it assigns no IP addresses; ` +
    'remove it, and let the virtual machine get its addresses from the network';
  onTrouble(new MacvtapError('NetConfUnsupported', text, { facts: { network: name } }));
}

async function record(id: string, attached: DeviceEntry, { ledger }: CNIContext): Promise<void> {
  await ledger.record(id, attached);
  faultPoint('cni-add-recorded');
}
