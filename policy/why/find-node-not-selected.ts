// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { describeRequirements } from '../offers/describe-requirements.ts';
import type { Requirement } from '../plan/match-labels.ts';
import { matchNode } from '../plan/match-node.ts';
import type { Cause, CauseRule, Fix } from './cause.ts';
import { describeNodes, groupNodes } from './group-nodes.ts';
import { hostFor } from './host-for.ts';
import { labelNodes, unmet } from './label-nodes.ts';
import { noteUnselecting } from './note-unselecting.ts';
import { namesOf } from './policies-for.ts';
import type { Lack } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/**
 * A policy that offers what is lacking selects at least one of the nodes that it is about. Where one does, the others are
 * left out on purpose, and what is wrong is wrong on that one. Of a node, these policies are worth knowing.
 */
export const findNodeNotSelected: CauseRule = (scope, facts) => {
  const causes = scope.lacks.flatMap((lack) => {
    const policies = scope.policies.filter((policy) => policy.faults.length === 0 && isAbout(policy, lack));
    if (lack.nodes.some((node) => policies.some((policy) => matchNode(node, policy.nodes)))) return [];
    return policies.flatMap((policy) => causesOf(policy, lack, facts));
  });
  return causes.length > 0 ? causes : noteUnselecting(scope, facts);
};

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
    ({ first: { labels }, nodes: names }): Cause => ({
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
      fix: fixFor(policy, resource, labels, names, facts),
    }),
  );
}

/**
 * Of several nodes nobody knows which are meant, and one that is labelled exposes something else from then on. So the line
 * is for a single one, on which the policy finds an interface.
 */
function fixFor(
  policy: Policy,
  resource: string | undefined,
  labels: readonly Requirement[],
  names: readonly string[],
  facts: WhyFacts,
): Fix {
  const isOne = names.length === 1;
  const host = isOne ? names[0] : hostFor(policy, resource, names, facts);
  const command =
    labels.length === 0
      ? undefined
      : labelNodes(host === undefined ? names : [host], labels, facts.nodes, [host ?? 'NODE']);
  if (command === undefined) return { text: "change the policy's selection", commands: [] };
  if (isOne) return { text: 'label the node, if it is meant', commands: [command] };
  const choice = `label one of ${describeNodes(names)}, each of which then exposes what the policy says instead of what it exposes now`;
  const finds =
    host === undefined
      ? 'on none of them the policy is known to find an interface'
      : `on ${host} the policy finds an interface`;
  return { text: `${choice}; ${finds}`, commands: [command] };
}
