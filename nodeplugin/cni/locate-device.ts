// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDeviceID } from '../../policy/device/device-id.ts';
import { deviceIfindex } from '../../policy/device/ifindex.ts';
import { linkName } from '../../policy/device/link-name.ts';
import { MacvtapError } from '../../runtime/errors.ts';
import type { DeviceEntry } from '../ledger/device-record.ts';
import type { LinkDetails } from '../links/get-link.ts';
import { unknownContainer } from './attachments.ts';
import type { CNIContext } from './cni-context.ts';
import { type OpenNetns, openNetns } from './open-netns.ts';

/** Which of its indexes a device can have: as many as Allocate tries (deviceplugin/allocate-device.ts). */
export const deviceAttempts = [0, 1, 2, 3, 4, 5, 6, 7] as const;

const netnsDirectory = '/run/netns';

/**
 * What a device that the ledger lost was given: what its link says, on the node or in a pod, and where there is none, what
 * its resource is made of now. Undefined for a device of no resource and without a link.
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
    // Every link of the index has a node, and there is nothing to ask the kernel for where there is none.
    if ((await context.links.readTapNode(ifindex)).nodeDevice === undefined) continue;
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
    };
    return { ...placed, attachment };
  }
  return undefined;
}

/** What cannot be opened is no pod's: somebody else's file, or a namespace that is mounted elsewhere only. */
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

/** It may have gone since, or be this one. */
function tryOpen(path: string): OpenNetns | undefined {
  try {
    return openNetns(path);
  } catch {
    return undefined;
  }
}
