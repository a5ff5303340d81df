// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../nearest-names.ts';
import { warn } from '../reasons.ts';
import { describeNamed, namedResources } from './named-resources.ts';
import type { PodRule } from './rule.ts';

/**
 * A resource of ours that a pod names is one that a policy, the explicit configuration or a node offers. A warning: what
 * offers it may come later, and until then the pod is pending.
 *
 * Reads limits and requests of every container and the networks' annotations. Emits ResourceUnknown.
 */
export const checkResourceOffered: PodRule = (pod, context) =>
  namedResources(pod, context).flatMap((named) => {
    const { ofResource, resources } = context.offers;
    if (ofResource(named.resource).length > 0) return [];
    const near = nearestNames(named.resource, resources);
    const hint = near.length === 0 ? 'nothing of a similar name is offered' : `is ${near.join(' or ')} meant?`;
    return [warn('ResourceUnknown', named.path, `${describeNamed(named)}: ${hint}`)];
  });
