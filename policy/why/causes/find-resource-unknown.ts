// SPDX-License-Identifier: Apache-2.0
import { resourceAnnotation } from '../../nad/read-nad.ts';
import { nearestNames } from '../../names.ts';
import { namesToSuggest } from '../../offers/offers-view.ts';
import { findExplicitErrors } from '../../plan/from-explicit.ts';
import { resourcePrefix } from '../../plan/resource.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { type Demand, type Scope, ungovernedNodes } from '../scope.ts';
import { kubectl, placeOf, recreatePod } from '../suggested-commands.ts';
import type { WhyFacts } from '../why-facts.ts';

const mostChoices = 5;

/** Checks that a policy, the explicit configuration or a node offers the resource that the network or pod names. */
export const findResourceUnknown: CauseRule = (scope, facts) =>
  scope.demands
    .filter(({ resource }) => !isLostByExplicit(resource, scope, facts))
    .filter(
      ({ resource }) =>
        scope.offers.ofResource(resource).length === 0 && scope.policies.every(({ faults }) => faults.length === 0),
    )
    .filter(() => scope.pod?.isReady !== true && !facts.unread.has('MacvtapNetworkNodePolicies'))
    .map((demand): Cause => {
      const { resource, network } = demand;
      const [near] = nearestNames(resource, namesToSuggest(scope.offers));
      const choices = scope.offers.resources.slice(0, mostChoices).join(', ');
      return {
        code: 'ResourceUnknown',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        detail: `no policy or node offers ${resourcePrefix}${resource}${near === undefined ? '' : `; did you mean ${near}?`}`,
        fix:
          near === undefined
            ? {
                text:
                  choices === ''
                    ? 'create a policy that offers it'
                    : `create a policy that offers it, or name an offered resource: ${choices}`,
                commands: [],
              }
            : { text: `name ${near}`, commands: commandsFor(demand, near, scope) },
      };
    });

/**
 * Returns whether the resource is missing because of an error in the explicit configuration. Another rule reports that.
 */
function isLostByExplicit(resource: string, { nodes }: Scope, facts: WhyFacts): boolean {
  const errors = findExplicitErrors(facts.explicit);
  return errors.some(({ names }) => names.includes(resource)) && ungovernedNodes(nodes, facts).length > 0;
}

/**
 * Returns the commands that correct the resource name in the network and in the pod's limits. The webhook copied the
 * misspelled name from the network to the limits.
 */
function commandsFor({ resource, network }: Demand, near: string, { pod }: Scope): readonly string[] {
  const annotate =
    network === undefined
      ? []
      : [
          kubectl(
            'annotate',
            'network-attachment-definitions',
            ...placeOf(network),
            '--overwrite',
            `${resourceAnnotation}=${resourcePrefix}${near}`,
          ),
        ];
  if (pod === undefined) return annotate;
  const escaped = resourcePrefix.replace('/', '\\/');
  return [...annotate, recreatePod(pod, { sed: `s/${escaped}${resource}:/${escaped}${near}:/` })];
}
