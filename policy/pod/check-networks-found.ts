// SPDX-License-Identifier: Apache-2.0
import { shorten } from '../quote.ts';
import { warn } from '../reasons.ts';
import { networkKey } from './count-demand.ts';
import { selectNetworks } from './parse-networks.ts';
import type { PodRule } from './rule.ts';

/** How many missing networks are named; a person mends them one by one. */
const maxNamed = 10;

/**
 * The networks that a pod names exist. A warning: Multus refuses the pod until they do, but what they need of ours is
 * only added when the pod is created.
 *
 * Reads k8s.v1.cni.cncf.io/networks and v1.multus-cni.io/default-network. Emits NetworkMissing, for the first ten.
 */
export const checkNetworksFound: PodRule = (pod, context) =>
  selectNetworks(pod, context).flatMap(({ annotation, networks }) => {
    const missing = new Set(networks.map(networkKey).filter((key) => !context.networks.has(key)));
    return [...missing]
      .slice(0, maxNamed)
      .map((key) => warn('NetworkMissing', `metadata.annotations[${annotation}]`, `network ${shorten(key)}`));
  });
