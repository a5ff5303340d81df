// SPDX-License-Identifier: Apache-2.0

import type { Policy } from '../nodepolicy/read-policy.ts';
import { describeRequirements } from '../offers/describe-requirements.ts';
import { matchNode } from '../plan/match-node.ts';
import type { Cause, CauseRule } from './cause.ts';
import { groupNodes } from './group-nodes.ts';
import { labelNodes, unmet } from './label-nodes.ts';
import { namesOf } from './policies-for.ts';
import type { Lack } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/**
 * A policy that offers what is lacking selects at least one of the nodes that it is about. Where one does, the others are
 * left out on purpose, and what is wrong is wrong on that one.
 */
export const findNodeNotSelected: CauseRule = (scope, facts) =>
  scope.lacks.flatMap((lack) => {
    const policies = scope.policies.filter((policy) => policy.faults.length === 0 && isAbout(policy, lack));
    if (lack.nodes.some((node) => policies.some((policy) => matchNode(node, policy.nodes)))) return [];
    return policies.flatMap((policy) => causesOf(policy, lack, facts));
  });

function isAbout(policy: Policy, { resource }: Lack): boolean {
  return (
    resource === undefined ||
    namesOf(policy).includes(resource) ||
    policy.entries.some(({ parent }) => 'matcher' in parent)
  );
}

function causesOf(policy: Policy, { nodes, resource, network }: Lack, facts: WhyFacts): readonly Cause[] {
  const missing = nodes.map((node) => ({ node: node.name, labels: unmet(node, policy.nodes.labels) }));
  return groupNodes(missing, ({ labels }) => describeRequirements(labels)).map(
    ({ first: { labels }, nodes: names }) => {
      const command = labels.length === 0 ? undefined : labelNodes(names, labels, facts.nodes);
      return {
        code: 'NodeNotSelected',
        isNote: false,
        ...(network !== undefined && { network }),
        ...(resource !== undefined && { resource }),
        policy: policy.id,
        nodes: names,
        detail:
          labels.length === 0
            ? 'its nodeAffinity does not select the node'
            : `its nodeSelector asks for ${describeRequirements(labels)}, which the node's labels do not meet`,
        fix: {
          text: command === undefined ? "change the policy's selection" : 'label the node, if it is meant',
          commands: command === undefined ? [] : [command],
        },
      } as const;
    },
  );
}
