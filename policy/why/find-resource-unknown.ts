// SPDX-License-Identifier: Apache-2.0
import { resourceAnnotation } from '../nad/read-nad.ts';
import { nearestNames } from '../nearest-names.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import type { Cause, CauseRule } from './cause.ts';
import { kubectl, placeOf } from './kubectl.ts';
import { recreatePod } from './recreate-pod.ts';
import type { Demand, Scope } from './scope.ts';

const mostChoices = 5;

/** Somebody offers the resource that a network or a pod names: a policy, or a node. */
export const findResourceUnknown: CauseRule = (scope, { unread }) =>
  scope.demands
    .filter(
      ({ resource }) =>
        scope.offers.ofResource(resource).length === 0 && scope.policies.every(({ faults }) => faults.length === 0),
    )
    .filter(() => scope.pod?.isReady !== true && !unread.has('MacvtapNetworkNodePolicies'))
    .map((demand): Cause => {
      const { resource, network } = demand;
      const [near] = nearestNames(resource, scope.offers.resources);
      const choices = scope.offers.resources.slice(0, mostChoices).join(', ');
      return {
        code: 'ResourceUnknown',
        isNote: false,
        ...(network !== undefined && { network }),
        resource,
        detail: `nobody offers ${resourcePrefix}${resource}${near === undefined ? '' : `; did you mean ${near}?`}`,
        fix:
          near === undefined
            ? {
                text:
                  choices === ''
                    ? 'make a policy that offers it'
                    : `make a policy that offers it, or name one that is offered: ${choices}`,
                commands: [],
              }
            : { text: `name ${near}`, commands: commandsFor(demand, near, scope) },
      };
    });

/** A pod that was made by the slip has it in its own limits, too. */
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
