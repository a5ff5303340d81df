// SPDX-License-Identifier: Apache-2.0
import { resourcePrefix } from '../plan/resource-name.ts';
import { countDemand, countHeld } from '../pod/count-demand.ts';
import { networksOf } from '../pod/parse-networks.ts';
import { containersOf } from '../pod/read-pod.ts';
import type { Cause, CauseRule } from './cause.ts';
import { recreatePod } from './recreate-pod.ts';

/**
 * The pod's containers ask for what its networks need. The webhook adds that when the pod is made; one that was made while
 * it was away, or before its network, asks for nothing and fails when it is attached.
 */
export const findNotInjected: CauseRule = ({ pod, demands }, facts) => {
  if (pod === undefined || pod.isReady) return [];
  const held = countHeld(containersOf(pod.object));
  const needed = countDemand(networksOf(pod.object), facts.networks);
  return [...needed]
    .filter(([resource, count]) => count > (held.get(resource) ?? 0))
    .map(([resource, count]): Cause => {
      const network = demands.find((demand) => demand.resource === resource)?.network;
      return {
        code: 'NotInjected',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        detail: `it needs ${count} of ${resourcePrefix}${resource}, and its containers ask for ${held.get(resource) ?? 0}`,
        fix: { text: 'make it anew, while the webhook answers', commands: [recreatePod(pod)] },
      };
    });
};
