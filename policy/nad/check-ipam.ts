// SPDX-License-Identifier: Apache-2.0

import { isJsonObject, ownValue } from '../json-object.ts';
import { quote } from '../quote.ts';
import { deny } from '../reasons.ts';
import type { NadRule } from './rule.ts';

/**
 * The plugin runs no IPAM: nobody in the pod uses the link, the virtual machine does. A config that asks for it is
 * refused, because addresses would be reserved that nothing carries. null and {} ask for nothing.
 *
 * Reads ipam of the plugin. Emits IpamUnsupported.
 */
export const checkIpam: NadRule = ({ plugins }) =>
  plugins.flatMap(({ conf, path }) => {
    const ipam = ownValue(conf, 'ipam') ?? {};
    if (isJsonObject(ipam) && Object.keys(ipam).length === 0) return [];
    return [deny('IpamUnsupported', `${path}.ipam`, `ipam of type ${quote(ownValue(ipam, 'type'))}: remove it`)];
  });
