// SPDX-License-Identifier: Apache-2.0
import { xxhash64 } from './xxhash64.ts';

/** Set in every index of ours: far above what the kernel counts up to by itself, and positive as a signed 32-bit int. */
const base = 0x4000_0000;
const mask = 0x3fff_ffffn;

/**
 * The index, and so the `/dev/tap<ifindex>`, of a device's link: always the same for a device of a node, so that a
 * sandbox that is made again finds the node that its container was promised. The node's name is hashed along, since
 * `/dev` may be shared by the network namespaces of a machine. Attempts after the first, for an index that is taken by
 * a link that cannot be removed, are `#1`, `#2`, …
 */
export function deviceIfindex(nodeName: string, deviceID: string, attempt = 0): number {
  const suffix = attempt === 0 ? '' : `#${attempt}`;
  return base | Number(xxhash64(`${nodeName}/${deviceID}${suffix}`) & mask);
}
