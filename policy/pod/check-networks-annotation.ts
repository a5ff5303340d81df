// SPDX-License-Identifier: Apache-2.0
import { warn } from '../reasons.ts';
import { selectNetworks } from './parse-networks.ts';
import type { PodRule } from './rule.ts';

/**
 * The annotations that select networks read as Multus reads them; it refuses the whole pod for one bad item. A warning:
 * what reads them is Multus, and a version to come may take what today's does not.
 *
 * Reads k8s.v1.cni.cncf.io/networks, v1.multus-cni.io/default-network and spec.hostNetwork. Emits NetworksUnreadable,
 * once for an annotation, whatever the number of its faults.
 */
export const checkNetworksAnnotation: PodRule = (pod, context) =>
  selectNetworks(pod, context).flatMap(({ annotation, faults }) => {
    const [first, ...others] = faults;
    if (first === undefined) return [];
    const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
    return [warn('NetworksUnreadable', `metadata.annotations[${annotation}]`, `${first}${more}`)];
  });
