// SPDX-License-Identifier: Apache-2.0
import { xxhash64 } from './xxhash64.ts';

/** Low 48 bits of the hash: twelve hexadecimal digits, so that `mvt` and they fit into IFNAMSIZ (15 characters). */
const mask = (1n << 48n) - 1n;

const pattern = /^mvt[0-9a-f]{12}$/;

/** Upstream's name for a device's link before it is in the pod: `mvt<12 hex>`. */
export function linkName(deviceID: string): string {
  return `mvt${(xxhash64(deviceID) & mask).toString(16).padStart(12, '0')}`;
}

/** Whether a link could be one that this project, or upstream's plugin, made. */
export function isLinkName(name: string): boolean {
  return pattern.test(name);
}
