// SPDX-License-Identifier: Apache-2.0
import { readNad, resourceAnnotation, resourceOfNad } from '../nad/read-nad.ts';
import type { NadObject } from '../nad/rule.ts';
import { warnBriefly } from '../nodepolicy/brief-text.ts';
import { networkKey } from './count-demand.ts';
import { selectNetworks } from './parse-networks.ts';
import type { PodRule } from './rule.ts';

/** How many networks are named; a person mends them one by one. */
const maxNamed = 10;

/**
 * The macvtap networks that a pod names say of which resource they are, or Multus hands the plugin no device and
 * attaching them fails. The webhook writes the annotation into a new network; one that is older, or was made while it was
 * away, has none. A warning: the pod may be made before its network is mended, and must then be made anew.
 *
 * Reads the networks that the pod's annotations name. Emits NotInjected, for the first ten.
 */
export const checkNetworksAnnotated: PodRule = (pod, context) =>
  selectNetworks(pod, context).flatMap(({ annotation, networks }) => {
    const isBare = (key: string): boolean => {
      const nad = context.networks.get(key);
      return nad !== undefined && lacksResource(nad);
    };
    const bare = new Set(networks.map(networkKey).filter(isBare));
    return [...bare]
      .slice(0, maxNamed)
      .map((key) =>
        warnBriefly(
          'NotInjected',
          `metadata.annotations[${annotation}]`,
          `write ${resourceAnnotation} on network ${key}`,
        ),
      );
  });

/**
 * Whether a macvtap network does not say of which resource it is. Another vendor's is none that the plugin could take a
 * device of.
 */
export function lacksResource(nad: NadObject): boolean {
  if (resourceOfNad(nad) !== undefined) return false;
  const facts = readNad(nad);
  return facts !== undefined && facts.plugins.length > 0;
}
