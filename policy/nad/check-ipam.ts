// SPDX-License-Identifier: Apache-2.0

import { givenValue, isJsonObject, ownValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import type { NadRule } from './rule.ts';

/**
 * The plugin runs no IPAM: nobody in the pod uses the link, the virtual machine does. A config that asks for it is
 * refused, because addresses would be reserved that nothing carries, and so is one that wishes for addresses. null, {} and
 * a list without addresses ask for nothing.
 *
 * Reads ipam and runtimeConfig.ips of the plugin. Emits IpamUnsupported.
 */
export const checkIpam: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) => {
    const ipam = givenValue(conf, 'ipam') ?? {};
    const ips = givenValue(givenValue(conf, 'runtimeConfig'), 'ips') ?? [];
    return [
      ...(isJsonObject(ipam) && Object.keys(ipam).length === 0
        ? []
        : [deny('IpamUnsupported', `${path}.ipam`, `ipam of type ${quote(ownValue(ipam, 'type'))}: remove it`)]),
      ...(Array.isArray(ips) && ips.length === 0
        ? []
        : [deny('IpamUnsupported', `${path}.runtimeConfig.ips`, `${quote(ips)} of addresses: remove it`)]),
    ];
  });
