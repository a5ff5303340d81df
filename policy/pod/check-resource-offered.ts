// SPDX-License-Identifier: Apache-2.0
import { createSearchBudget, nearestNames } from '../names.ts';
import { namesToSuggest } from '../offers/offers-view.ts';
import { warn } from '../reasons.ts';
import { describeNamed, namedResources, type PodRule } from './rule.ts';

/**
 * The maximum number of resources to report, because a person fixes them one by one. A malicious pod could name tens of
 * thousands.
 */
const maxNamed = 10;

/**
 * Warns if a pod names a resource of this project that no policy, explicit configuration or node offers. This is only a
 * warning: the resource may be offered later, and until then the pod is pending.
 *
 * Reads limits and requests of every container and the networks' annotations. Emits ResourceUnknown, for the first ten
 * resources.
 */
export const checkResourceOffered: PodRule = (pod, context) => {
  const { ofResource } = context.offers;
  const unknown = namedResources(pod, context).filter(({ resource }) => ofResource(resource).length === 0);
  const budget = createSearchBudget();
  return unknown.slice(0, maxNamed).map((named) => {
    const near = nearestNames(named.resource, namesToSuggest(context.offers), budget);
    const hint =
      near.length === 0 ? 'no resource with a similar name is offered' : `did you mean ${near.join(' or ')}?`;
    return warn('ResourceUnknown', named.path, `${describeNamed(named)}: ${hint}`);
  });
};
