// SPDX-License-Identifier: Apache-2.0
import xxhash from 'xxhash-wasm';
import { compareNatural } from '../names.ts';

/**
 * Device IDs have the same format as in macvtap-cni: `dataplaneMvp7` is the eighth device of the resource `dataplane`.
 */
const marker = 'Mvp';

/** `mvt` and 12 hexadecimal digits are 15 characters: the longest name that fits IFNAMSIZ with its final zero. */
const linkNamePattern = /^mvt[0-9a-f]{12}$/;
const linkNameMask = (1n << 48n) - 1n;

/**
 * This bit is set in the ifindex of every device's link. The kernel chooses lower numbers for other links, so the
 * numbers never collide. An ifindex with this bit is still a positive int32.
 */
const ifindexBase = 0x4000_0000;
const ifindexMask = 0x3fff_ffffn;

const { h64 } = await xxhash();

/** Returns the IDs of a resource's devices: `<resourceName>Mvp<i>` for i from 0. */
export function deviceIDs(resourceName: string, quantity: number): readonly string[] {
  return Array.from({ length: quantity }, (_, index) => deviceIDOf(resourceName, index));
}

/** Returns the ID of one device of a resource. */
export function deviceIDOf(resourceName: string, index: number): string {
  return `${resourceName}${marker}${index}`;
}

/** Returns the resource and index of a device ID, or undefined for a text that is not a device ID. */
export function parseDeviceID(id: string): { readonly resourceName: string; readonly index: number } | undefined {
  const match = /^(.+)Mvp(0|[1-9]\d*)$/.exec(id);
  const index = Number(match?.[2]);
  return match?.[1] === undefined || !Number.isSafeInteger(index) ? undefined : { resourceName: match[1], index };
}

/** Orders device IDs by their number: `dataMvp2` before `dataMvp10`. */
export const compareDeviceIDs = compareNatural;

/** Returns the name of a device's link in the node's network namespace: `mvt<12 hex>`, as in macvtap-cni. */
export function linkName(deviceID: string): string {
  return `mvt${(xxhash64(deviceID) & linkNameMask).toString(16).padStart(12, '0')}`;
}

/** Returns whether a link of this name may have been created by this project or by macvtap-cni. */
export function isLinkName(name: string): boolean {
  return linkNamePattern.test(name);
}

/**
 * Returns the ifindex of a device's link, which determines its device node `/dev/tap<ifindex>`. The ifindex is always
 * the same for a device on a node. So after a sandbox is recreated, the container still gets the device node that was
 * allocated to it.
 *
 * The hash includes the node's name, because several nodes may run on one machine and share its `/dev`. If another link
 * has the ifindex and cannot be removed, the caller tries again with `attempt` 1, 2 and so on. These attempts add `#1`,
 * `#2`, … to the hashed text.
 */
export function deviceIfindex(nodeName: string, deviceID: string, attempt = 0): number {
  const suffix = attempt === 0 ? '' : `#${attempt}`;
  return ifindexBase | Number(xxhash64(`${nodeName}/${deviceID}${suffix}`) & ifindexMask);
}

/** Returns the XXH64 hash of a text's UTF-8 bytes with seed 0, as macvtap-cni computes it. */
export function xxhash64(text: string): bigint {
  return h64(text);
}
