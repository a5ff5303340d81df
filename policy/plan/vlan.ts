// SPDX-License-Identifier: Apache-2.0
import { xxhash64 } from '../device/device-id.ts';
import type { PolicyEntry } from '../nodepolicy/read-policy.ts';
import { checkSuitability, type Unsuitable } from './candidate.ts';
import type { InterfaceFacts, Interfaces } from './interfaces.ts';

/** IFNAMSIZ without the final zero, linux/if.h. */
const longestLinkName = 15;

/** Returns the full name of a VLAN, which is also the default name of its resource: `bond1.100`. */
export function nameVlan(lower: string, id: number): string {
  return `${lower}.${id}`;
}

/** Returns `bond1` for the name `bond1.100` and the ID 100, or undefined if the name does not end with the ID. */
export function lowerInName(name: string, id: number): string | undefined {
  return name.endsWith(`.${id}`) ? name.slice(0, -`.${id}`.length) : undefined;
}

/**
 * Returns the name that a VLAN has while the node plugin creates it: `mvv` and 12 hexadecimal digits. If the creation
 * is interrupted, this name shows that the VLAN is from the node plugin. A VLAN whose full name is too long for a link
 * keeps the short name and gets the full name as an altname. The short name depends only on the full name.
 */
export function shortVlanName(lower: string, id: number): string {
  const hash = xxhash64(nameVlan(lower, id)) & 0xffff_ffff_ffffn;
  return `mvv${hash.toString(16).padStart(12, '0')}`;
}

/** Returns whether a link has a name that only the node plugin gives to VLANs. */
export function isShortVlanName(name: string): boolean {
  return /^mvv[0-9a-f]{12}$/.test(name);
}

/** The name of the link that the node plugin creates for a VLAN, and its altname if the full name is too long. */
export function vlanLinkNames(lower: string, id: number): { readonly name: string; readonly altName?: string } {
  const full = nameVlan(lower, id);
  const isShort = new TextEncoder().encode(full).length <= longestLinkName;
  return isShort ? { name: full } : { name: shortVlanName(lower, id), altName: full };
}

/**
 * Returns the parent that an entry names: `eth1`, or `eth1.100` if the entry has `vlan: 100`. Returns undefined if the
 * entry has a selector.
 */
export function namedParent({ parent, vlan }: Pick<PolicyEntry, 'parent' | 'vlan'>): string | undefined {
  if (!('name' in parent)) return undefined;
  return vlan === undefined ? parent.name : nameVlan(parent.name, vlan);
}

/** A use that every suitable interface permits. */
const anyUse = { resourceName: 'any', mode: 'bridge', allowHostInterface: true } as const;

/**
 * Returns the VLAN with an ID on an interface, or the reason why the interface cannot have this VLAN. If the VLAN does
 * not exist yet, the result describes the VLAN that the node plugin will create, without an ifindex.
 *
 * - The interface must itself be suitable as a parent. A macvtap is not: frames would leave through the macvtap's
 *   parent. A port of a bond or bridge is not: frames would bypass the bond or bridge.
 * - VlanOnVlan: the frames would have two tags. An author who writes `parentIface: eth1.100` and `vlan: 100` wants one.
 * - VlanProtocol: the only VLAN with this ID has protocol 802.1ad, so its frames have another tag. The node plugin does
 *   not create an 802.1Q VLAN next to it, because the administrator who created the 802.1ad VLAN would not expect one.
 * - VlanNameTaken: another link has the name of the new VLAN, so the kernel would refuse the name.
 */
export function chooseVlan(
  lower: InterfaceFacts,
  id: number,
  interfaces: Interfaces,
): { readonly nic: InterfaceFacts } | Unsuitable {
  const fault = checkSuitability(lower, anyUse, interfaces);
  if (fault !== undefined) return fault;
  if (lower.kind === 'vlan') return { code: 'VlanOnVlan' };
  const there = interfaces.vlansOn(lower).filter(({ vlan }) => vlan?.id === id);
  const nic = there.find(({ vlan }) => vlan?.protocol === '802.1Q');
  const { name, altName } = vlanLinkNames(lower.name, id);
  if (nic !== undefined && !isUnfinished(nic, altName)) return { nic };
  const [other] = there;
  if (nic === undefined && other !== undefined) return { code: 'VlanProtocol', by: other.name };
  const holder = [name, altName].flatMap((wanted) => (wanted === undefined ? [] : (interfaces.find(wanted) ?? [])))[0];
  if (holder !== undefined && holder !== nic) return { code: 'VlanNameTaken', by: holder.name };
  return { nic: toFutureVlan(lower, name, id) };
}

/** Returns whether the node plugin created a VLAN and has not set its final name yet. */
function isUnfinished({ name, vlan }: InterfaceFacts, altName: string | undefined): boolean {
  return altName === undefined && vlan?.managed === true && isShortVlanName(name);
}

function toFutureVlan(lower: InterfaceFacts, name: string, id: number): InterfaceFacts {
  const { ethernet, loopback, up, carrier, mtu, macAddress } = lower;
  return {
    ...{ name, kind: 'vlan', ethernet, loopback, up, carrier, mtu, driver: 'vlan' },
    ...(macAddress !== undefined && { macAddress }),
    ...(lower.ifindex !== undefined && { lowerIfindex: lower.ifindex }),
    vlan: { id, protocol: '802.1Q', managed: true },
    defaultRoute: false,
  };
}
