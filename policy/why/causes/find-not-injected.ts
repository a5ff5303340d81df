// SPDX-License-Identifier: Apache-2.0
import { resourcePrefix } from '../../plan/resource.ts';
import { countDemand, countHeld } from '../../pod/count-demand.ts';
import { networksOf } from '../../pod/parse-networks.ts';
import { devicesClaimedBy } from '../../pod/read-claims.ts';
import { containersOf } from '../../pod/read-pod.ts';
import { namesOf } from '../../pod/rule.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { recreatePod } from '../suggested-commands.ts';

/**
 * Checks that the pod's containers request the devices that its networks need. The webhook adds the requests when the
 * pod is created. If a pod was created without the webhook, or before its network, it requests none, and its attachment
 * fails. Devices from claims count like requests. A claim that selects devices only by CEL expressions may serve any
 * network.
 */
export const findNotInjected: CauseRule = ({ pod, demands, offers }, { networks, multusNamespace, claims }) => {
  if (pod === undefined || pod.isReady) return [];
  const claimed = devicesClaimedBy(pod.object, claims ?? new Map(), () => namesOf(offers));
  if (claimed.some(({ resource, count }) => resource === undefined || count === undefined)) return [];
  const demanded = Map.groupBy(demands, ({ resource }) => resource);
  const held = new Map(countHeld(containersOf(pod.object)));
  for (const { resource = '', count = 0 } of claimed) held.set(resource, (held.get(resource) ?? 0) + count);
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
