// SPDX-License-Identifier: Apache-2.0
import { resourcePrefix } from '../../plan/resource.ts';
import { countDemand, countHeld } from '../../pod/count-demand.ts';
import { networksOf } from '../../pod/parse-networks.ts';
import { containersOf } from '../../pod/read-pod.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { recreatePod } from '../suggested-commands.ts';

/**
 * Checks that the pod's containers request the devices that its networks need. The webhook adds the requests when the
 * pod is created. If a pod was created without the webhook, or before its network, it requests none, and its attachment
 * fails.
 */
export const findNotInjected: CauseRule = ({ pod, demands }, { networks, multusNamespace }) => {
  if (pod === undefined || pod.isReady) return [];
  const demanded = Map.groupBy(demands, ({ resource }) => resource);
  const held = countHeld(containersOf(pod.object));
  const needed = countDemand(networksOf(pod.object, { namespace: pod.namespace, multusNamespace }), networks);
  return [...needed]
    .filter(([resource, count]) => count > (held.get(resource) ?? 0))
    .map(([resource, count]): Cause => {
      const network = demanded.get(resource)?.[0]?.network;
      return {
        code: 'NotInjected',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        detail: `the pod needs ${count} of ${resourcePrefix}${resource}, but its containers request ${held.get(resource) ?? 0}`,
        fix: { text: 'recreate the pod while the webhook runs', commands: [recreatePod(pod)] },
      };
    });
};
