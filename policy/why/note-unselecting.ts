// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { describeRequirements } from '../offers/describe-requirements.ts';
import type { Requirement } from '../plan/match-labels.ts';
import { matchNode } from '../plan/match-node.ts';
import type { Cause } from './cause.ts';
import { nameSome } from './group-nodes.ts';
import { labelNodes, unmet } from './label-nodes.ts';
import type { Scope } from './scope.ts';
import type { NodeStanding, WhyFacts } from './why-facts.ts';

/** More reasons than a person reads. */
const mostReasons = 5;

/**
 * Of a node that is asked about: the policies that do not select it, told once for all that miss the same. A node from which
 * somebody took a label offers what it does by default, and nothing is wrong with that.
 */
export function noteUnselecting({ subject, policies, nodes: [node] }: Scope, { nodes }: WhyFacts): readonly Cause[] {
  if (subject.kind !== 'node' || node === undefined) return [];
  const others = policies.filter((policy) => policy.faults.length === 0 && !matchNode(node, policy.nodes));
  const groups = [...Map.groupBy(others, (policy) => describeRequirements(unmet(node, policy.nodes.labels))).values()];
  const rest = groups.slice(mostReasons).flat();
  return [
    ...groups.slice(0, mostReasons).map((same) => {
      const labels = unmet(node, same[0]?.nodes.labels ?? []);
      const isAbsent = labels.length > 0 && labels.every((label) => isMissing(node, label));
      const command = isAbsent ? labelNodes([node.name], labels, nodes) : undefined;
      return noteOf(node, same, reasonFor(labels, isAbsent), command);
    }),
    ...(rest.length === 0 ? [] : [noteOf(node, rest, 'for other reasons', undefined)]),
  ];
}

function noteOf(
  { name }: NodeStanding,
  policies: readonly Policy[],
  reason: string,
  command: string | undefined,
): Cause {
  const names = nameSome(policies.map(({ id }) => id.slice(id.indexOf('/') + 1)));
  return {
    code: 'NodeNotSelected',
    isNote: true,
    nodes: [name],
    detail: `${names} ${policies.length === 1 ? 'does' : 'do'} not select it: ${reason}`,
    fix:
      command === undefined
        ? { text: "change the policy's selection, if the node is meant", commands: [] }
        : { text: 'label the node, if it is meant', commands: [command] },
  };
}

function reasonFor(labels: readonly Requirement[], isAbsent: boolean): string {
  if (labels.length === 0) return 'by nodeAffinity';
  const asked = describeRequirements(labels);
  if (!isAbsent) return `its labels do not meet ${asked}`;
  return labels.length === 1 ? `label ${asked} is missing` : `labels ${asked} are missing`;
}

/** What has another value, such as its hostname, makes it another node than those that are meant. */
function isMissing({ labels }: NodeStanding, { key, operator }: Requirement): boolean {
  return (operator === 'In' || operator === 'Exists') && !Object.hasOwn(labels, key);
}
