// SPDX-License-Identifier: Apache-2.0
import { describeAmbiguous } from '../nad/check-ambiguous-keys.ts';
import { resourceOfNad } from '../nad/read-nad.ts';
import { deny } from '../reasons.ts';
import { networkKey } from './count-demand.ts';
import { selectNetworks } from './parse-networks.ts';
import type { PodRule } from './rule.ts';

/**
 * The maximum number of keys to report. An author fixes a few at a time, but a malicious text could contain thousands.
 */
const maxVerdicts = 8;

/**
 * Checks that each key that selects a network occurs only once in its object and is spelled exactly. Multus ignores the
 * case of keys, and the last key wins, but another reader may find a different network. This project reads the keys as
 * Multus does. A pod with ambiguous keys is rejected if either reader finds a macvtap network.
 *
 * Reads k8s.v1.cni.cncf.io/networks and v1.multus-cni.io/default-network, in the JSON syntax. Emits AmbiguousKey with
 * line and column, for the first eight keys.
 */
export const checkAmbiguousKeys: PodRule = (pod, context) =>
  selectNetworks(pod, context).flatMap(({ annotation, networks, ambiguity }) => {
    if (ambiguity === undefined) return [];
    const { text, keys, otherwise } = ambiguity;
    const isOurs = [...networks, ...otherwise].some((network) => {
      const nad = context.networks.get(networkKey(network));
      return nad !== undefined && resourceOfNad(nad) !== undefined;
    });
    if (!isOurs) return [];
    return keys
      .slice(0, maxVerdicts)
      .map((found) => deny('AmbiguousKey', `metadata.annotations[${annotation}]`, describeAmbiguous(text, found)));
  });
