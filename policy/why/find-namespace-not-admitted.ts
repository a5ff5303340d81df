// SPDX-License-Identifier: Apache-2.0
import { admits } from '../offers/admits.ts';
import { describeRequirements } from '../offers/describe-requirements.ts';
import { policiesOffering } from '../offers/policies-offering.ts';
import { meetsRequirement, type Requirement } from '../plan/match-labels.ts';
import type { Cause, CauseRule } from './cause.ts';
import { kubectl } from './kubectl.ts';

/** Every policy that offers the resource admits the pod's namespace, or the network's, whose pods would name it. */
export const findNamespaceNotAdmitted: CauseRule = ({ subject, pod, demands, offers }, { namespaces }) => {
  if (subject.kind === 'node' || subject.kind === 'policy') return [];
  const { namespace } = subject;
  const labels = namespaces.get(namespace);
  return demands.flatMap(({ resource, network }) =>
    policiesOffering(offers, resource)
      .filter((policy) => labels !== undefined && !admits(policy, labels))
      .map((policy): Cause => {
        const missing = policy.namespaces.filter(
          (requirement) => !meetsRequirement(labels?.[requirement.key], requirement),
        );
        const changes = missing.flatMap(({ key, operator, values }) => labelFor({ key, operator, values }));
        return {
          code: 'NamespaceNotAdmitted',
          isNote: pod?.isReady === true,
          ...(network !== undefined && { network }),
          resource,
          policy: policy.id,
          detail: `it admits namespaces with ${describeRequirements(policy.namespaces)}, and ${namespace} has not ${describeRequirements(missing)}`,
          fix: {
            text: 'label the namespace, if its pods may use the resource',
            commands: [kubectl('label', 'namespace', namespace, '--overwrite', ...changes)],
          },
        };
      }),
  );
};

function labelFor({ key, operator, values }: Requirement): readonly string[] {
  if (operator === 'In' || operator === 'Exists') return [`${key}=${values[0] ?? ''}`];
  return [`${key}-`];
}
