// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { MetadataLookups } from '../../cluster/api/lookups.ts';
import type { Lookups } from '../../cluster/source.ts';
import { deviceIfindex, linkName, parseDeviceID } from '../../policy/device/device-id.ts';
import { isJsonObject } from '../../policy/json.ts';
import { resourceOfNad } from '../../policy/nad/read-nad.ts';
import type { InterfaceFacts } from '../../policy/plan/interfaces.ts';
import { networksOf } from '../../policy/pod/parse-networks.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { interfaceOf, unknownContainer } from './attachments.ts';
import type { CNIContext, FindResource, PodClaims } from './cni-context.ts';
import { isSameNetns, type OpenNetns, openNetns } from './open-netns.ts';
import type { CNIEnvironment } from './spec/cni-environment.ts';

/**
 * Finds the parent interface of a device. While the device has a link or its sandbox exists, the parent is found by its
 * index, even if it was renamed. Otherwise it is found by its name, because after a reboot the index may belong to
 * another interface.
 *
 * Rejects a parent that is a macvtap or macvlan, because the kernel would silently use the parent of that link instead.
 * Raises `ParentUnavailable`.
 */
export function findParent(
  id: string,
  entry: DeviceEntry,
  context: CNIContext,
): InterfaceFacts & { readonly ifindex: number } {
  const { parent: name, resource } = entry;
  const parent = findParentByIfindex(id, entry, context) ?? context.interfaces().find((nic) => nic.name === name);
  const unavailable = (why: string) =>
    new MacvtapError(
      'ParentUnavailable',
      `device ${id}: parent ${name} of resource ${resource} cannot be used: ${why}`,
      {
        facts: { device: id, parent: name, resource },
      },
    );
  if (parent?.ifindex === undefined)
    throw unavailable('the node has no such interface; bring it back, and kubelet tries again');
  if (parent.kind === 'macvtap' || parent.kind === 'macvlan') {
    throw unavailable(`it is a ${parent.kind} now; choose an interface of another kind`);
  }
  return { ...parent, ifindex: parent.ifindex };
}

/**
 * Finds the parent by the index in the ledger. Returns undefined if the interface is gone, or if the index may have
 * been recorded before a reboot.
 */
export function findParentByIfindex(
  id: string,
  { ifindex: own, parentIfindex, attachment }: DeviceEntry,
  { interfaces, links }: CNIContext,
): InterfaceFacts | undefined {
  if (parentIfindex === undefined) return undefined;
  const isOfNow =
    attachment === undefined
      ? links.readTapLinkName(own) === linkName(id)
      : isSameNetns(attachment.netnsPath, attachment.netnsInode);
  return isOfNow ? interfaces().find(({ ifindex }) => ifindex === parentIfindex) : undefined;
}

/**
 * The attempts that Allocate may need to get a free index. Each attempt uses another index of the device (`maxAttempts`
 * in deviceplugin/allocate.ts).
 */
export const deviceAttempts = [0, 1, 2, 3, 4, 5, 6, 7] as const;

const netnsDirectory = '/run/netns';

/**
 * Rebuilds a device's entry after the ledger has lost it. The facts come from the device's link on the node or in a
 * pod. If there is no link, they come from the device's resource in the current plan. Returns undefined if that
 * resource does not exist either.
 */
export async function rebuildEntry(
  id: string,
  context: CNIContext,
  signal: AbortSignal,
): Promise<DeviceEntry | undefined> {
  const resource = parseDeviceID(id)?.resourceName;
  if (resource === undefined) return undefined;
  for (const attempt of deviceAttempts) {
    const ifindex = deviceIfindex(context.nodeName, id, attempt);
    // A device's link has a device node in /dev. If there is none for this index, there is no link to look for.
    if ((await context.links.readTapNode(ifindex, [])).nodeDevice === undefined) continue;
    const placed = (await findOnNode(id, ifindex, context, signal)) ?? (await findInPods(ifindex, context, signal));
    if (placed !== undefined) return { resource, ifindex, attempt, ...placed };
  }
  const planned = context.resources().get(resource);
  if (planned === undefined) return undefined;
  const { parent, mode } = planned;
  return { resource, parent, mode, ifindex: deviceIfindex(context.nodeName, id), attempt: 0 };
}

type Placed = Pick<DeviceEntry, 'parent' | 'parentIfindex' | 'mode' | 'attachment'>;

async function findOnNode(
  id: string,
  ifindex: number,
  context: CNIContext,
  signal: AbortSignal,
): Promise<Placed | undefined> {
  const link = await context.links.getLink({ ifindex }, signal);
  return link?.name === linkName(id) ? describe(link, link.parentIfindex, context) : undefined;
}

async function findInPods(ifindex: number, context: CNIContext, signal: AbortSignal): Promise<Placed | undefined> {
  for (const name of await readdir(netnsDirectory).catch(() => [])) {
    const path = join(netnsDirectory, name);
    const link = await lookInto(path, ifindex, context, signal);
    const placed = link && describe(link, link.parentIfindexElsewhere, context);
    if (link?.macAddress === undefined || placed === undefined) continue;
    using netns = tryOpen(path);
    if (netns === undefined) continue;
    const attachment = {
      containerID: unknownContainer,
      ifname: link.name,
      netnsPath: path,
      netnsInode: netns.inode,
      mac: link.macAddress,
      mtu: link.mtu,
    };
    return { ...placed, attachment };
  }
  return undefined;
}

/**
 * Finds a link in a namespace. Returns undefined for a namespace that this process cannot reach, because ADD would have
 * failed there.
 */
async function lookInto(
  path: string,
  ifindex: number,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<LinkDetails | undefined> {
  return await links.getLinkIn(path, { ifindex }, signal).catch((thrown: unknown) => {
    if (MacvtapError.from(thrown).code === 'NetnsUnreachable') return undefined;
    throw thrown;
  });
}

function describe(link: LinkDetails, parentIfindex: number | undefined, context: CNIContext): Placed | undefined {
  const parent = context.interfaces().find(({ ifindex }) => ifindex !== undefined && ifindex === parentIfindex);
  if (link.kind !== 'macvtap' || link.macvtapMode === undefined || parent?.ifindex === undefined) return undefined;
  return { parent: parent.name, parentIfindex: parent.ifindex, mode: link.macvtapMode };
}

/** Opens a namespace. Returns undefined if it no longer exists, or if it is the node's own. */
function tryOpen(path: string): OpenNetns | undefined {
  try {
    return openNetns(path);
  } catch {
    return undefined;
  }
}

export interface FindResourceOptions {
  readonly pod: MetadataLookups['pod'];
  readonly network: Lookups['network'];
}

/**
 * Creates a function that reads the pod's networks. Multus passes on only the name in the network's configuration,
 * which need not be the network's own name, and calls the interface of the second network `net2`, unless the pod
 * chooses another name.
 */
export function createFindResource(lookups: FindResourceOptions): FindResource {
  return async ({ pod, ifname, network }, signal) => {
    const found = await lookups.pod(pod.namespace, pod.name, signal);
    const { namespace } = pod;
    const refs = networksOf({ metadata: { namespace, annotations: found?.annotations ?? {} } });
    const resources = await Promise.all(
      refs.map(async (ref) => {
        const nad = await lookups.network(ref.namespace, ref.name, signal);
        const isNamed = nad !== undefined && [ref.name, configName(nad.spec?.config)].includes(network);
        return isNamed ? resourceOfNad(nad) : undefined;
      }),
    );
    const index = Number(/^net([1-9]\d{0,3})$/.exec(ifname)?.[1]) - 1;
    const [only, ...others] = new Set(resources.filter((resource) => resource !== undefined));
    return resources[index] ?? (others.length === 0 ? only : undefined);
  };
}

function configName(config: string | undefined): unknown {
  try {
    const value: unknown = JSON.parse(config ?? '');
    return isJsonObject(value) ? value.name : undefined;
  } catch {
    return undefined;
  }
}

/** The API server reserves a claim for at most 256 pods (resource/v1/types.go, ResourceClaimReservedForMaxSize). */
const mostPods = 256;

/** More than the 110 pods that kubelet runs by default (maxPods). */
const mostRemembered = 512;

/** Creates a function that reads a pod's claims once, because they never change. Raises `LookupFailed`. */
export function rememberPodClaims(read: MetadataLookups['podClaims']): PodClaims {
  const known = new Map<string, readonly string[]>();
  return async ({ namespace, name, uid }, signal) => {
    const before = known.get(uid);
    if (before !== undefined) return before;
    const found = await read(namespace, name, signal);
    if (found?.uid !== uid) return [];
    for (const oldest of known.keys()) if (known.size >= mostRemembered) known.delete(oldest);
    known.set(uid, found.claims);
    return found.claims;
  };
}

/**
 * Records that a pod shares claims that were prepared for other pods, also if it has further claims. Kubelet does not
 * prepare them again for the pod, so its spec is read. That costs a request only for the new interface of a pod, while
 * other claims of its namespace are prepared. Raises `LookupFailed`.
 */
export async function joinClaims(
  deviceID: string | undefined,
  { pod, ifname }: Pick<CNIEnvironment, 'pod' | 'ifname'>,
  { ledger, lock, podClaims }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name, uid } = pod ?? {};
  if (namespace === undefined || name === undefined || uid === undefined || podClaims === undefined) return;
  const claimed = ledger.entries().filter(([id]) => deviceID === undefined || id === deviceID);
  const own = claimed.filter(([, { claim }]) => claim?.pods.includes(uid));
  if (own.some(([id, record]) => id === deviceID || interfaceOf(record, uid) === ifname)) return;
  const others = claimed.filter(([, { claim }]) => claim?.namespace === namespace && !claim.pods.includes(uid));
  if (others.length === 0) return;
  const names = await podClaims({ namespace, name, uid }, signal);
  for (const [id, { claim: before }] of others) {
    if (!names.includes(before?.name ?? '')) continue;
    const share = async () => {
      const record = ledger.get(id);
      if (record?.claim === undefined || record.claim.uid !== before?.uid) return;
      const { lastUsed, claim, ...entry } = record;
      await ledger.record(id, { ...entry, claim: { ...claim, pods: [...claim.pods.slice(1 - mostPods), uid] } });
    };
    await lock.run([linkName(id)], share, signal);
  }
}
