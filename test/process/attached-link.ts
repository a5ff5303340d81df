// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { lstat } from 'node:fs/promises';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { readTapOwner } from '../kernel/tap-owner.ts';
import { type ShownMacvtap, showMacvtaps } from './shown-macvtaps.ts';

/** The facts that identify an attached link and its device node. They differ after either is recreated. */
export interface AttachedLink {
  readonly ifindex: number;
  readonly mac: string;
  readonly mode: string;
  /** A recreated node in devtmpfs has a different inode. */
  readonly nodeInode: number;
}

/**
 * Fails unless the tap whose path kubelet got belongs to the pod's link, can be opened, and is owned by the virtual
 * machine's user.
 */
export async function assertAttached(pod: NetworkNamespace, tapPath: string, ifname = 'net1'): Promise<AttachedLink> {
  const link = (await showMacvtaps(pod)).find((shown) => shown.ifname === ifname);
  assert.ok(link !== undefined, `the pod has ${ifname}`);
  assert.equal(tapPath, `/dev/tap${link.ifindex}`);
  assert.ok(link.flags.includes('UP'));
  const { uid, gid, mode, ino: nodeInode } = await lstat(tapPath);
  assert.deepEqual([uid, gid, mode & 0o777], [107, 107, 0o660]);
  assert.deepEqual(await readTapOwner(tapPath), { name: ifname, macAddress: link.address });
  return { ifindex: link.ifindex, mac: link.address, mode: link.linkinfo.info_data.mode, nodeInode };
}

/** Fails if the tap still exists, or if one of these namespaces still contains a macvtap. */
export async function assertNothingLeft(tapPath: string, ...namespaces: readonly NetworkNamespace[]): Promise<void> {
  const left = await Promise.all(namespaces.map(showMacvtaps));
  assert.deepEqual(left.flat().map(nameOf), []);
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
}

function nameOf({ ifname }: ShownMacvtap): string {
  return ifname;
}
