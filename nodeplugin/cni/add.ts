// SPDX-License-Identifier: Apache-2.0
import { linkName } from '../../policy/device/link-name.ts';
import type { InterfaceFacts } from '../../policy/plan/interface-facts.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import type { Attachment, DeviceEntry } from '../ledger/device-record.ts';
import { beginStep, timeStep } from '../time-step.ts';
import { checkMode } from './check-mode.ts';
import { checkName } from './check-name.ts';
import { chooseMAC } from './choose-mac.ts';
import type { CNIContext, OwnTap } from './cni-context.ts';
import type { CNIEnvironment } from './cni-environment.ts';
import { explainRefusal } from './explain-refusal.ts';
import { describePod, findDevice, readDeviceID } from './find-device.ts';
import { findParent } from './find-parent.ts';
import { freeForAdd } from './free-for-add.ts';
import { giveAway } from './give-away.ts';
import { makeOwnTap } from './make-own-tap.ts';
import type { NetConf } from './net-conf.ts';
import { type OpenNetns, openNetns } from './open-netns.ts';
import { removeAttachedLink } from './remove-attachment.ts';
import { makeResult } from './result.ts';

/** Not under the caller's signal: what is undone because the caller gave up must be undone all the same. */
const undoMs = 5_000;

/** Everything that an ADD is about. */
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
 * Attaches a pod: makes its device's link in its namespace, always the same way, be it a first start, a sandbox that is
 * made anew or a node that was rebooted, and always under the device's own index, so that the `/dev/tapN` that kubelet
 * was promised is the link's. Any failure takes back what was done; then the pod has no link, and the device is free.
 *
 * Returns the result as it is printed. Raises `DeviceMissing`, `DeviceNotAllocated`, `DeviceHeldElsewhere`, `DeviceNamedTwice`, `PlanUnknown`, `ModeConflict`, `ParentUnavailable`, `TapNodeTaken`,
 * `TapNodeNotOwned`, `TapNodeUnreadable`, `NetnsInvalid`, and what creation and the ledger raise.
 */
export async function add(
  environment: CNIEnvironment,
  conf: NetConf,
  own: OwnTap,
  context: CNIContext,
  signal: AbortSignal,
): Promise<string> {
  const id = readDeviceID(conf, context);
  using netns = openNetns(environment.netns);
  using waited = beginStep('wait', context);
  return await context.lock.run(
    [linkName(id)],
    async () => {
      waited.end();
      const known = await findDevice(id, environment, context, signal);
      checkMode(id, known, conf, context);
      const parent = findParent(id, known, context);
      const entry = { ...known, parent: parent.name };
      const mac = chooseMAC(id, entry, { parent, conf, environment, nodeName: context.nodeName });
      const { containerID, ifname, pod, sandbox } = environment;
      const attachment = {
        containerID,
        ifname,
        netnsPath: netns.path,
        netnsInode: netns.inode,
        mac,
        ...(pod?.uid !== undefined && { podUID: pod.uid }),
        network: conf.name,
      };
      checkName(id, entry, attachment);
      const attaching = { id, entry, parent, attachment, pod, netns, conf };
      // Before there is a link: what cannot be answered is not done.
      const result = makeResult(conf, { ifname, mac, mtu: conf.mtu ?? parent.mtu, sandbox });
      const standing = await findStandingTap(attaching, context, signal);
      await using undo = new AsyncDisposableStack();
      const taps = standing ?? (await attach(attaching, undo, context, signal));
      await timeStep('own', context, () =>
        giveAway({ id, ifindex: entry.ifindex, ifname, conf, taps }, own, context, signal),
      );
      undo.move();
      return result;
    },
    signal,
  );
}

/**
 * An ADD that is repeated, because its answer was lost, finds its link; to make it anew would cut what has its tap open.
 * Returns the device number of the link's tap; undefined when the link has to be made.
 */
async function findStandingTap(
  { entry, attachment, parent, conf }: Attaching,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  const { attachment: before, ifindex, mode } = entry;
  if (before?.containerID !== attachment.containerID || before.ifname !== attachment.ifname) return undefined;
  if (before.netnsInode !== attachment.netnsInode || before.mac !== attachment.mac) return undefined;
  if ((await links.readTapNode(ifindex)).nodeDevice === undefined) return undefined;
  const link = await links.getLinkIn(attachment.netnsPath, { ifindex }, signal);
  const stands =
    link?.kind === 'macvtap' &&
    link.up &&
    link.name === attachment.ifname &&
    link.macvtapMode === mode &&
    link.macAddress === attachment.mac &&
    link.parentIfindexElsewhere === parent.ifindex &&
    link.mtu === (conf.mtu ?? parent.mtu);
  if (!stands) return undefined;
  const taps = links.listTaps(ifindex);
  // With a twin beside it nobody can tell whose the node is, but of a link that is made.
  return taps.length > 1 ? undefined : taps;
}

/** Returns the device numbers of the taps that came under the device's index: the link's own, and that of a twin. */
async function attach(
  { id, entry, parent, attachment, pod, netns, conf }: Attaching,
  undo: AsyncDisposableStack,
  context: CNIContext,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { links } = context;
  const { attachment: former, ...device } = entry;
  if (!(await links.rememberNetns(netns.fd, netns.path, signal)))
    throw netns.invalid('it is a namespace, but not of the network: see what the container runtime mounts there');
  const attached = { ...device, parentIfindex: parent.ifindex, ...(pod && { pod: describePod(pod) }), attachment };
  const freeing = timeStep('free', context, () =>
    freeForAdd(id, { ...entry, parentIfindex: parent.ifindex }, context, signal),
  );
  // Where a lost sandbox is must be known until it is freed.
  if (former !== undefined) await freeing;
  // Before there is a link, so that whatever becomes of this process, a DEL or the next ADD knows where to look.
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
    mode: entry.mode,
    // A passthru link has its parent's and takes no other.
    ...(entry.mode !== 'passthru' && { macAddress: attachment.mac }),
    ...(conf.mtu !== undefined && { mtu: conf.mtu }),
    up: true,
    promiscuous: conf.promiscMode,
    silent: true,
    netnsFd: netns.fd,
  };
  // Without the signal: what the kernel was asked for it does, and then there is a link to take back.
  const create = async () => {
    await timeStep('create', context, () => links.createMacvtap(request)).catch((thrown: unknown) => {
      throw explainRefusal(thrown, id, attached, context);
    });
    faultPoint('cni-add-link-made');
  };
  return await makeOwnTap(create, attached, links, signal);
}

async function record(id: string, attached: DeviceEntry, { ledger }: CNIContext): Promise<void> {
  await ledger.record(id, attached);
  faultPoint('cni-add-recorded');
}
