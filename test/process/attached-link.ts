// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { lstat } from 'node:fs/promises';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { readTapOwner } from '../kernel/tap-owner.ts';
import { type ShownMacvtap, showMacvtaps } from './shown-macvtaps.ts';

/** All that tells an attached link and its node from others, and one that was made anew from the one before. */
export interface AttachedLink {
  readonly ifindex: number;
  readonly mac: string;
  readonly mode: string;
  /** In devtmpfs a node that was made anew has another one. */
  readonly nodeInode: number;
}

/** Fails unless the tap that kubelet was promised opens, is the machine's to open, and leads to the pod's own link. */
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

/** Fails where a tap or one of these namespaces' macvtaps is left. */
export async function assertNothingLeft(tapPath: string, ...namespaces: readonly NetworkNamespace[]): Promise<void> {
  const left = await Promise.all(namespaces.map(showMacvtaps));
  assert.deepEqual(left.flat().map(nameOf), []);
  await assert.rejects(lstat(tapPath), { code: 'ENOENT' });
}

function nameOf({ ifname }: ShownMacvtap): string {
  return ifname;
}
