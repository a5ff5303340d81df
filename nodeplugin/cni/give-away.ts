// SPDX-License-Identifier: Apache-2.0
import { MacvtapError } from '../../runtime/errors.ts';
import { faultPoint } from '../../runtime/fault-point.ts';
import type { CNIContext, OwnTap } from './cni-context.ts';
import type { NetConf } from './net-conf.ts';

/** A device's link in its pod. */
interface MadeLink {
  readonly id: string;
  readonly ifindex: number;
  readonly ifname: string;
  readonly conf: Pick<NetConf, 'owner' | 'group'>;
  /** The device numbers that came under the index when the link did. */
  readonly taps: readonly string[];
}

/**
 * Last of all, since every new link has a new node that is root's. /dev is one for all namespaces, and whoever may make
 * links in one of his own can make one of the same name and index in the moment in which the node is free. Raises
 * `TapNodeTaken`, `TapNodeNotOwned`.
 */
export async function giveAway(
  { id, ifindex, ifname, conf, taps }: MadeLink,
  own: OwnTap,
  { links }: CNIContext,
  signal: AbortSignal,
): Promise<void> {
  const { nodeDevice, holder, path } = await links.readTapNode(ifindex);
  const [major, minor] = (nodeDevice ?? '').split(':').map(Number);
  if (major === undefined || minor === undefined || nodeDevice === undefined) {
    throw new MacvtapError(
      'TapNodeNotOwned',
      `device ${id}: the kernel made the link and no ${path}; is the node's /dev a devtmpfs, and mounted into the container?`,
      { facts: { device: id, path } },
    );
  }
  if (taps.length !== 1 || taps[0] !== nodeDevice) {
    const whose = holder === undefined ? 'of no link' : `of link ${holder.name} with the ifindex ${holder.ifindex}`;
    const why =
      holder?.name === ifname ? 'may be that of another link of its name' : `is ${whose} and not of ${ifname}`;
    throw new MacvtapError(
      'TapNodeTaken',
      `${path}, which kubelet was promised for device ${id}, ${why}; it is tried again`,
      { facts: { device: id, path } },
    );
  }
  await own({ ifindex, major, minor, uid: conf.owner, gid: conf.group }, signal);
  faultPoint('cni-add-node-owned');
}
