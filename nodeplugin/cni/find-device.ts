// SPDX-License-Identifier: Apache-2.0
import { compareDeviceIDs } from '../../policy/device/device-id.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry, DeviceRecord } from '../ledger/device-record.ts';
import { interfaceOf, podUIDOf } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { aboutPod, type Claim, decideClaim, type RecordedClaim } from './device-claim.ts';
import { joinClaims, rebuildEntry } from './locate-device.ts';
import { isSameNetns } from './open-netns.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';
import type { NetConf } from './spec/net-conf.ts';

/**
 * Returns the device ID for a network configuration. Multus fills it in if kubelet allocated the device by the device
 * plugin API. Multus does not know the devices of claims, so these are found by the pod. Raises `DeviceMissing`,
 * `PlanUnknown`, `LookupFailed`.
 */
export async function readDeviceID(
  { deviceID, name }: NetConf,
  context: CNIContext,
  environment: Pick<CNIEnvironment, 'pod' | 'ifname'>,
  signal: AbortSignal,
): Promise<string> {
  const { resources, isPlanKnown } = context;
  const { pod } = environment;
  await joinClaims(deviceID, environment, context, signal);
  const id = deviceID ?? (await findClaimedDevice(name, environment, context, signal));
  if (id !== undefined) return id;
  if (!isPlanKnown()) throw planUnknown(`the pod holds no device for network ${name}`);
  throw deviceMissing(name, [...resources().keys()], pod);
}

/**
 * Returns a device's ledger entry. If the ledger lost the entry, it is rebuilt from the kernel or the plan. A
 * configuration can name any device, so `decideClaim` decides whether this pod may use it. Kubelet is asked again only
 * if its last answer and the ledger are not sufficient. Raises `DeviceNotAllocated`, `DeviceHeldElsewhere`,
 * `PodResourcesUnavailable`, `PlanUnknown`.
 */
export async function findDevice(
  id: string,
  environment: CNIEnvironment,
  context: CNIContext,
  signal: AbortSignal,
): Promise<DeviceEntry> {
  const { holders: kubelet, isPlanKnown } = context;
  const record = context.ledger.get(id);
  const { pod } = environment;
  if (record?.claim !== undefined) return checkClaimed(id, record, environment);
  const claimed = record && readClaim(id, record, environment, kubelet);
  if (record !== undefined && claimed?.sandbox !== 'other' && claimed?.sandbox !== 'gone') {
    const claim = decideClaim({ pod, record: claimed, holders: kubelet.known(id) });
    if ('taken' in claim && claim.taken !== 'first') return toEntry(record, claim.taken === 'by-kubelet');
  }
  const holders = await kubelet.ask(id, signal, pod);
  const claim = decideClaim({ pod, record: claimed, holders });
  if ('taken' in claim) {
    const isListed = claim.taken === 'by-kubelet';
    if (record !== undefined) return toEntry(record, isListed || kubelet.wasListed(id));
    const entry = await rebuildEntry(id, context, signal);
    if (entry !== undefined) return { ...entry, ...(isListed && { listed: true }) };
  }
  const refused = 'refused' in claim ? claim.refused : 'NeverAllocated';
  if (refused === 'NeverAllocated' && !isPlanKnown()) throw planUnknown(`device ${id} is not in the ledger`);
  throw explainRefused(id, refused, record);
}

/**
 * Finds the device of a network among the devices of the pod's prepared claims. An interface gets the device that it
 * had before, so that it keeps its device after the sandbox is recreated and after a reboot. Otherwise it gets the
 * first device that no other interface of the pod has. If the pod has devices of several resources, the network's
 * annotation names the resource. Returns undefined if the pod has no such device.
 */
async function findClaimedDevice(
  network: string,
  { pod, ifname }: Pick<CNIEnvironment, 'pod' | 'ifname'>,
  { ledger, findResource }: CNIContext,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (pod?.uid === undefined) return undefined;
  const { uid } = pod;
  const own = ledger.entries().filter(([, { claim }]) => claim?.pods.includes(uid));
  const isSeveral = new Set(own.map(([, { resource }]) => resource)).size > 1;
  const wanted = isSeveral ? await findResource?.({ pod, ifname, network }, signal) : own[0]?.[1].resource;
  const candidates = own
    .filter(([, { resource }]) => resource === wanted)
    .sort(([left], [right]) => compareDeviceIDs(left, right));
  const found =
    candidates.find(([, record]) => interfaceOf(record, uid) === ifname) ??
    candidates.find(([, record]) => interfaceOf(record, uid) === undefined && record.attachment === undefined) ??
    candidates.find(([, record]) => interfaceOf(record, uid) === undefined);
  return found?.[0];
}

/**
 * Checks that a claim's device is for this pod, and that no other pod's sandbox has it. Raises `DeviceHeldElsewhere`.
 */
function checkClaimed(id: string, record: DeviceRecord, { pod, netns }: CNIEnvironment): DeviceEntry {
  const { claim, attachment } = record;
  const uid = pod?.uid;
  // The names of another namespace's objects are not shown.
  const isOwn = claim?.namespace === pod?.namespace;
  const owner = `device ${id} belongs to ${isOwn ? `ResourceClaim ${claim?.namespace}/${claim?.name}` : "another pod's ResourceClaim"}`;
  const facts = { device: id };
  if (uid === undefined || !claim?.pods.includes(uid)) {
    // Multus also fills in a device that another device plugin for the same resource has given to the pod.
    const advice = 'remove deviceID from the network, or the other device plugin of this resource from the node';
    throw new MacvtapError(
      'DeviceHeldElsewhere',
      `${owner}, which this pod does not have: ${advice}, then delete the pod`,
      { facts },
    );
  }
  const isElsewhere =
    attachment !== undefined &&
    attachment.podUID !== uid &&
    !isSameNetns(netns, attachment.netnsInode) &&
    isSameNetns(attachment.netnsPath, attachment.netnsInode);
  if (isElsewhere) {
    const advice = 'give each pod its own claim, with a ResourceClaimTemplate';
    const user = record.pod === undefined || !isOwn ? 'another pod' : `pod ${record.pod}`;
    const text = `${owner}, and ${user} uses it. A macvtap is only for one pod at a time: ${advice}`;
    throw new MacvtapError('DeviceHeldElsewhere', text, { facts });
  }
  return toEntry(record, false);
}

function readClaim(
  id: string,
  record: DeviceEntry,
  { netns }: CNIEnvironment,
  kubelet: CNIContext['holders'],
): RecordedClaim {
  const { attachment, pod, listed } = record;
  const isHere = attachment !== undefined && isSameNetns(netns, attachment.netnsInode);
  const isThere = attachment !== undefined && isSameNetns(attachment.netnsPath, attachment.netnsInode);
  return {
    pod,
    uid: podUIDOf(record),
    listed: listed === true || kubelet.wasListed(id),
    sandbox: attachment === undefined ? 'none' : isHere ? 'own' : isThere ? 'other' : 'gone',
  };
}

/**
 * Converts a record into an entry. A failed ADD writes the entry back, so the entry must contain the UID of the
 * device's last pod.
 */
function toEntry({ lastUsed, ...entry }: DeviceRecord, listed: boolean): DeviceEntry {
  const podUID = podUIDOf(entry);
  return { ...entry, ...(podUID !== undefined && { podUID }), ...(listed && { listed }) };
}

type Refused = Extract<Claim, { refused: unknown }>['refused'];

function explainRefused(id: string, refused: Refused, record: DeviceEntry | undefined): MacvtapError {
  const facts = { device: id };
  const leaveOut = 'leave deviceID out of the NetworkAttachmentDefinition, since Multus fills it in';
  const recreate = 'delete the pod, so that a new one gets a device';
  switch (refused) {
    case 'AnotherPods':
      return new MacvtapError('DeviceHeldElsewhere', `device ${id} is another pod's: ${leaveOut}`, { facts });
    case 'FormerPods': {
      const text = `device ${id} belongs to an earlier pod of this name, with UID ${record && podUIDOf(record)}; kubelet tries again`;
      return new MacvtapError('DeviceHeldElsewhere', text, { facts });
    }
    case 'InOtherSandbox': {
      const text = `device ${id} has a link in another pod's sandbox: ${leaveOut}`;
      return new MacvtapError('DeviceHeldElsewhere', text, { facts });
    }
    case 'NotListedYet': {
      const why = record === undefined ? 'is not in the ledger' : "was another pod's";
      const text = `device ${id} ${why}, and kubelet may not list all its pods yet; kubelet tries again`;
      return new MacvtapError('PodResourcesUnavailable', text, { facts });
    }
    case 'Released': {
      const text = `device ${id}: kubelet lists no pod for it, and it was released or is another pod's; ${recreate}`;
      return new MacvtapError('DeviceNotAllocated', text, { facts });
    }
    case 'NeverAllocated': {
      const text = `device ${id}: this node has no record of its allocation; ${recreate}`;
      return new MacvtapError('DeviceNotAllocated', text, { facts });
    }
  }
}

/**
 * Makes the error for a node without a plan. That is the case just after startup, while interfaces still change or
 * policies cannot be read yet.
 */
function planUnknown(what: string): MacvtapError {
  return new MacvtapError(
    'PlanUnknown',
    `${what}, and the node plugin has no plan for this node yet: see its log; kubelet tries again`,
  );
}

/** The maximum number of resources that an error lists. */
const maxOffered = 5;

/**
 * Makes the error for an empty device ID, with the command that recreates the pod. `offered` has the names of the
 * node's resources.
 */
export function deviceMissing(network: string, offered: readonly string[], pod: CNIEnvironment['pod']): MacvtapError {
  const likely = offered.toSorted((a, b) => Number(b === network) - Number(a === network)).slice(0, maxOffered);
  return new MacvtapError(
    'DeviceMissing',
    `the pod holds no device for network ${network}: none of its containers requests ${resourcePrefix}<resource>, which the ` +
      `webhook adds when a pod is created. Recreate the pod: ${recreateCommand(pod)}. If that does not help, check the annotation ` +
      `k8s.v1.cni.cncf.io/resourceName of NetworkAttachmentDefinition ${network} (offered here: ${likely.join(', ') || 'none'})`,
    { facts: { network } },
  );
}

/**
 * Returns the command that recreates a pod. For a virtual machine, that is `virtctl restart`. KubeVirt names a virtual
 * machine's pod `virt-launcher-<machine>-<5 characters>`. The API server truncates the part before the 5 characters to
 * 58 characters (maxGeneratedNameLength, apiserver/pkg/storage/names/generate.go). If that part has 58 characters, the
 * machine's name may be incomplete, so the command deletes the pod instead.
 */
function recreateCommand(pod: CNIEnvironment['pod']): string {
  const about = pod && aboutPod(pod);
  if (about === undefined) return 'kubectl delete pod';
  const { namespace, name } = about;
  const [, start = '', machine] = /^(virt-launcher-(.+)-)[a-z0-9]{5}$/.exec(name) ?? [];
  if (machine !== undefined && start.length < 58) return `virtctl restart ${machine} -n ${namespace}`;
  return `kubectl delete pod ${name} -n ${namespace}`;
}
