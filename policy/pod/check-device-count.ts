// SPDX-License-Identifier: Apache-2.0
import { warn } from '../reasons.ts';
import { resourcesOfPod } from './count-demand.ts';
import { namedResources } from './named-resources.ts';
import type { PodContext } from './pod-context.ts';
import type { PodRule } from './rule.ts';

/**
 * A pod takes all its devices of a resource from one node, so it cannot need more than the best node has; while no node
 * has any, than is asked of nodes. A warning: a node may be added, a quantity raised. How many are free is not counted,
 * for that is the scheduler's to know.
 *
 * Reads limits and requests of every container and the networks' annotations. Emits TooManyDevices.
 */
export const checkDeviceCount: PodRule = (pod, context) => {
  const devices = resourcesOfPod(pod, context.networks, context);
  return namedResources(pod, context).flatMap(({ resource, path }) => {
    const most = mostOffered(resource, context);
    const needed = devices.get(resource) ?? 0;
    return most === undefined || needed <= most
      ? []
      : [warn('TooManyDevices', path, `resource ${resource}: ${needed} needed, at most ${most} on a node`)];
  });
};

/** Undefined where nobody offers it, which is another rule's to tell. */
function mostOffered(resource: string, { offers }: PodContext): number | undefined {
  const all = offers.ofResource(resource);
  const exposed = all.filter(({ nodes }) => nodes > 0);
  const counted = exposed.length > 0 ? exposed : all;
  return counted.length === 0 ? undefined : Math.max(...counted.map(({ quantity }) => quantity));
}
