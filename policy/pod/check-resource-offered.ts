// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../nearest-names.ts';
import { warn } from '../reasons.ts';
import { describeNamed, namedResources } from './named-resources.ts';
import type { PodRule } from './rule.ts';

/**
 * How many resources are named; a person mends them one by one. A limit is a few bytes, and each that nobody offers is
 * compared with every name that is: a pod of a megabyte would hold up all other reviews for seconds.
 */
const maxNamed = 10;

/**
 * A resource of ours that a pod names is one that a policy, the explicit configuration or a node offers. A warning: what
 * offers it may come later, and until then the pod is pending.
 *
 * Reads limits and requests of every container and the networks' annotations. Emits ResourceUnknown, for the
 * first ten.
 */
export const checkResourceOffered: PodRule = (pod, context) => {
  const { ofResource, resources } = context.offers;
  const unknown = namedResources(pod, context).filter(({ resource }) => ofResource(resource).length === 0);
  return unknown.slice(0, maxNamed).map((named) => {
    const near = nearestNames(named.resource, resources);
    const hint = near.length === 0 ? 'nothing of a similar name is offered' : `is ${near.join(' or ')} meant?`;
    return warn('ResourceUnknown', named.path, `${describeNamed(named)}: ${hint}`);
  });
};
