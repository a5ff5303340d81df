// SPDX-License-Identifier: Apache-2.0
import { givenValue, isJsonObject, ownValue, quote } from '../json.ts';
import { type Verdict, warn } from '../reasons.ts';
import type { NadFacts, NadRule } from './read-nad.ts';

/**
 * Warns if the config requests IP addresses with `ipam` or `runtimeConfig.ips`. The plugin assigns none, because the
 * link is used by the virtual machine and not by the pod. This is only a warning, because macvtap-cni ignored these
 * keys, and its networks may contain them. null, {} and an empty list request nothing; check-shapes rejects values of
 * other types.
 *
 * Reads ipam and runtimeConfig.ips of the plugin. Emits IpamUnsupported.
 */
export const checkIpam: NadRule = (nad) => findAddressRequests(nad);

/** Returns the warnings of check-ipam. `kubectl macvtap migrate` also uses this function. */
export function findAddressRequests({ plugins }: Pick<NadFacts, 'plugins'>): readonly Verdict[] {
  return plugins.flatMap(({ conf, path }) => {
    const ipam = givenValue(conf, 'ipam');
    const ips = givenValue(givenValue(conf, 'runtimeConfig'), 'ips');
    return [
      ...(isJsonObject(ipam) && Object.keys(ipam).length > 0
        ? [
            warn(
              'IpamUnsupported',
              `${path}.ipam`,
              `ipam of type ${quote(ownValue(ipam, 'type'))} is ignored: remove it`,
            ),
          ]
        : []),
      ...(Array.isArray(ips) && ips.length > 0
        ? [warn('IpamUnsupported', `${path}.runtimeConfig.ips`, `${quote(ips)} of addresses is ignored: remove it`)]
        : []),
    ];
  });
}
