// SPDX-License-Identifier: Apache-2.0
import { admits, describeRequirements } from '../../offers/policies-governing.ts';
import { meetsRequirement } from '../../plan/match-labels.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { labelChange } from '../node-scheduling.ts';
import { kubectl } from '../suggested-commands.ts';

/** Checks that every policy that governs the resource admits the namespace of the pod or network. */
export const findNamespaceNotAdmitted: CauseRule = ({ subject, pod, demands, offers }, { namespaces }) => {
  if (subject.kind === 'node' || subject.kind === 'policy') return [];
  const { namespace } = subject;
  const labels = namespaces.get(namespace);
  return demands.flatMap(({ resource, network }) =>
    offers.governing
      .of(resource)
      .filter((policy) => labels !== undefined && !admits(policy, labels))
      .map((policy): Cause => {
        const missing = policy.namespaces.filter(
          (requirement) => !meetsRequirement(labels?.[requirement.key], requirement),
        );
        const changes = missing.flatMap((requirement) => labelChange(requirement) ?? []);
        return {
          code: 'NamespaceNotAdmitted',
          isNote: pod?.isReady === true,
          ...(network !== undefined && { network }),
          resource,
          policy: policy.id,
          detail: `it admits namespaces with ${describeRequirements(policy.namespaces)}, but ${namespace} does not have ${describeRequirements(missing)}`,
          fix: {
            text: 'label the namespace, if its pods may use the resource',
            commands: [kubectl('label', 'namespace', namespace, '--overwrite', ...changes)],
          },
        };
      }),
  );
};
