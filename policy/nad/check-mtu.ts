// SPDX-License-Identifier: Apache-2.0

import { givenValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny, warn } from '../reasons.ts';
import type { NadRule } from './rule.ts';

/** The kernel's ETH_MIN_MTU, what IPv4 needs, and ETH_MAX_MTU. */
const bounds = { least: 68, most: 65_535 };

/**
 * The MTU is an integer that the kernel takes, and not above that of the parent: ADD would fail on the nodes where it is.
 * Nodes differ and change, so that is only told. null and 0 ask for nothing, as for upstream's plugin.
 *
 * Reads mtu of the plugin. Emits IllegalMtu, MtuAboveParent. Source: include/uapi/linux/if_ether.h (ETH_MIN_MTU 68,
 * ETH_MAX_MTU 0xFFFF), drivers/net/macvlan.c (EINVAL above the parent's).
 */
export const checkMtu: NadRule = ({ resource, plugins }, { offers }) => {
  const known = (resource === undefined ? [] : offers.ofResource(resource)).flatMap(({ mtu }) => mtu ?? []);
  const smallest = Math.min(...known);
  return plugins.flatMap(({ conf, path }) => {
    const mtu = givenValue(conf, 'mtu');
    if (mtu === undefined || mtu === 0) return [];
    if (typeof mtu !== 'number' || !Number.isInteger(mtu) || mtu < bounds.least || mtu > bounds.most) {
      return [deny('IllegalMtu', `${path}.mtu`, `mtu ${quote(mtu)}`)];
    }
    return mtu > smallest
      ? [warn('MtuAboveParent', `${path}.mtu`, `mtu ${mtu}: a parent of ${resource} has ${smallest}`)]
      : [];
  });
};
