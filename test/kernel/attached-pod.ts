// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { lstat } from 'node:fs/promises';
import { deviceIfindex } from '../../policy/device/device-id.ts';
import type { CNINode } from './cni-node.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import { readTapOwner } from './tap-owner.ts';

/** The device that tests attach to a pod. */
export const device = 'netMvp0';

/** Returns an interface in the result of an ADD. */
export function interfaceOf(output: Readonly<Record<string, unknown>> | undefined, index = 0) {
  return (output?.interfaces as readonly Readonly<Record<string, unknown>>[] | undefined)?.[index];
}

/** Returns a macvtap of a namespace as `ip` shows it, or undefined if none has that name. */
export async function shownIn(namespace: NetworkNamespace, ifname = 'net1') {
  const shown = await namespace.ipJSON<{
    ifname: string;
    ifindex: number;
    address: string;
    mtu: number;
    flags: string[];
    linkinfo?: { info_data?: { mode?: string } };
  }>('link show type macvtap');
  return shown.find((link) => link.ifname === ifname);
}

/**
 * Fails unless the pod has its link with the promised index. The tap's device node must lead to that link, and the
 * virtual machine's user must own it.
 */
export async function assertAttached(node: CNINode, pod: NetworkNamespace, tapPath: string): Promise<void> {
  const shown = await shownIn(pod);
  assert.ok(shown, 'the pod has its link');
  assert.equal(shown.ifindex, deviceIfindex(node.name, device));
  assert.equal(tapPath, `/dev/tap${shown.ifindex}`);
  const { uid, gid, mode } = await lstat(tapPath);
  assert.deepEqual([uid, gid, mode & 0o777], [107, 107, 0o660]);
  assert.deepEqual(await readTapOwner(tapPath), { name: 'net1', macAddress: shown.address });
}
