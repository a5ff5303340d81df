// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { linkName } from '../../policy/device/device-id.ts';
import type { NetworkNamespace } from '../kernel/network-namespace.ts';
import { readTapOwner } from '../kernel/tap-owner.ts';

/** A macvtap as iproute2 shows it. */
export interface ShownMacvtap {
  readonly ifname: string;
  readonly ifindex: number;
  readonly address: string;
  /** The parent. */
  readonly link: string;
  readonly flags: readonly string[];
  readonly linkinfo: { readonly info_data: { readonly mode: string } };
}

export function showMacvtaps(namespace: NetworkNamespace): Promise<readonly ShownMacvtap[]> {
  return namespace.ipJSON<ShownMacvtap>('link show type macvtap');
}

export async function showDevice(namespace: NetworkNamespace, id: string): Promise<ShownMacvtap | undefined> {
  return (await showMacvtaps(namespace)).find(({ ifname }) => ifname === linkName(id));
}

/** Fails unless the allocated path opens, and leads to the device's own link in the namespace. */
export async function assertOwnTap(
  namespace: NetworkNamespace,
  id: string,
  path: string | undefined,
): Promise<ShownMacvtap> {
  const link = await showDevice(namespace, id);
  assert.ok(link !== undefined, `${id} has a link`);
  assert.equal(path, `/dev/tap${link.ifindex}`);
  assert.deepEqual(await readTapOwner(path), { name: link.ifname, macAddress: link.address });
  return link;
}
