// SPDX-License-Identifier: Apache-2.0
import { warn } from '../reasons.ts';
import { resourcesOfPod } from './count-demand.ts';
import { namedResources, type PodContext, type PodRule } from './rule.ts';

/**
 * Warns if a pod needs more devices of a resource than any node has, because all of them must be on one node. If no
 * node has the resource yet, the largest declared quantity is used. This is only a warning, because a node may be added
 * or a quantity raised. The scheduler, and not this rule, checks how many devices are free.
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

/**
 * Returns the largest quantity on a node. Returns undefined if the resource is not offered, which
 * check-resource-offered reports.
 */
function mostOffered(resource: string, { offers }: PodContext): number | undefined {
  const all = offers.ofResource(resource);
  const exposed = all.filter(({ nodes }) => nodes > 0);
  const counted = exposed.length > 0 ? exposed : all;
  return counted.length === 0 ? undefined : Math.max(...counted.map(({ quantity }) => quantity));
}
