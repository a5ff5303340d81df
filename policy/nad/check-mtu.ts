// SPDX-License-Identifier: Apache-2.0
import { givenValue, quote } from '../json.ts';
import { deny, warn } from '../reasons.ts';
import type { NadRule } from './read-nad.ts';

/**
 * The MTUs that the kernel accepts: from ETH_MIN_MTU, which is IPv4's minimum of 68, to ETH_MAX_MTU, which is 0xFFFF
 * (uapi/linux/if_ether.h).
 */
export const mtuBounds = { least: 68, most: 0xffff } as const;

/** Returns whether the kernel accepts a value as an MTU. The webhook and the CNI plugin both use this function. */
export function isLegalMtu(mtu: unknown): mtu is number {
  return typeof mtu === 'number' && Number.isInteger(mtu) && mtu >= mtuBounds.least && mtu <= mtuBounds.most;
}

/**
 * Checks that the MTU is an integer that the kernel accepts. Warns if it exceeds the MTU of a parent, because ADD fails
 * on nodes with such a parent. This is only a warning, because other nodes may have a larger MTU, and MTUs change. null
 * and 0 are treated as absent, as in macvtap-cni.
 *
 * Reads mtu of the plugin. Emits IllegalMtu, MtuAboveParent. Source: drivers/net/macvlan.c (EINVAL above the parent's).
 */
export const checkMtu: NadRule = ({ resource, plugins }, { offers }) => {
  const known = (resource === undefined ? [] : offers.ofResource(resource)).flatMap(({ mtu }) => mtu ?? []);
  const smallest = Math.min(...known);
  return plugins.flatMap(({ conf, path }) => {
    const mtu = givenValue(conf, 'mtu');
    if (mtu === undefined || mtu === 0) return [];
    if (!isLegalMtu(mtu)) return [deny('IllegalMtu', `${path}.mtu`, `mtu ${quote(mtu)}`)];
    return mtu > smallest
      ? [warn('MtuAboveParent', `${path}.mtu`, `mtu ${mtu}: a parent of ${resource} has ${smallest}`)]
      : [];
  });
};
