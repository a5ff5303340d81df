// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../../nodepolicy/read-policy.ts';
import { describeRequirements, namesIn } from '../../offers/policies-governing.ts';
import { matchNode, type Requirement } from '../../plan/match-labels.ts';
import { tryPlan } from '../../plan/plan-node.ts';
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { describeNodes, groupNodes, labelNodes, nameSome, unmetRequirements } from '../node-scheduling.ts';
import type { Scope, Shortage } from '../scope.ts';
import type { NodeSummary, WhyFacts } from '../why-facts.ts';

/**
 * Checks that a policy that offers or may offer the missing resource selects at least one of the nodes. If it selects
 * one, the rule assumes that it omits the others on purpose, and that the cause is on the selected node. If the subject
 * is a node and the rule finds no cause, it notes the policies that do not select the node.
 */
export const findNodeNotSelected: CauseRule = (scope, facts) => {
  const causes = scope.shortages.flatMap((shortage) => {
    const policies = scope.policies.filter((policy) => policy.faults.length === 0 && isAbout(policy, shortage));
    if (shortage.nodes.some((node) => policies.some((policy) => matchNode(node, policy.nodes)))) return [];
    return policies.flatMap((policy) => causesOf(policy, shortage, facts));
  });
  return causes.length > 0 ? causes : noteUnselecting(scope, facts);
};

function isAbout(policy: Policy, { resource }: Shortage): boolean {
  return (
    resource === undefined || namesIn(policy).has(resource) || policy.entries.some(({ parent }) => 'matcher' in parent)
  );
}

function causesOf(policy: Policy, { nodes, resource, network }: Shortage, facts: WhyFacts): readonly Cause[] {
  const missing = nodes.map((node) => ({ node: node.name, labels: unmetRequirements(node, policy.nodes.labels) }));
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
 * Suggests labelling only one node. It is unknown which nodes the policy is meant for, and a labelled node exposes the
 * policy's resources instead of its current ones. Prefers a node on which the policy finds an interface.
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
  if (isOne) return { text: 'label the node, if the policy is meant for it', commands: [command] };
  const choice = `label one of ${describeNodes(names)}, which then exposes the policy's resources instead of its current ones`;
  const finds =
    host === undefined
      ? 'the policy is not known to find an interface on any of them'
      : `the policy finds an interface on ${host}`;
  return { text: `${choice}; ${finds}`, commands: [command] };
}

/** The maximum number of reasons that get a separate note. */
const mostReasons = 5;

/**
 * Notes the policies that do not select the node, grouped by the missing labels. These are only notes, because the
 * policies may be meant for other nodes.
 */
function noteUnselecting({ subject, policies, nodes: [node] }: Scope, { nodes }: WhyFacts): readonly Cause[] {
  if (subject.kind !== 'node' || node === undefined) return [];
  const others = policies.filter((policy) => policy.faults.length === 0 && !matchNode(node, policy.nodes));
  const groups = [
    ...Map.groupBy(others, (policy) => describeRequirements(unmetRequirements(node, policy.nodes.labels))).values(),
  ];
  const rest = groups.slice(mostReasons).flat();
  return [
    ...groups.slice(0, mostReasons).map((same) => {
      const labels = unmetRequirements(node, same[0]?.nodes.labels ?? []);
      const isAbsent = labels.length > 0 && labels.every((label) => isMissing(node, label));
      const command = isAbsent ? labelNodes([node.name], labels, nodes) : undefined;
      return noteOf(node, same, reasonFor(labels, isAbsent), command);
    }),
    ...(rest.length === 0 ? [] : [noteOf(node, rest, 'for other reasons', undefined)]),
  ];
}

function noteOf(
  { name }: NodeSummary,
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
        ? { text: "change the policy's selection, if it is meant for the node", commands: [] }
        : { text: 'label the node, if a policy is meant for it', commands: [command] },
  };
}

function reasonFor(labels: readonly Requirement[], isAbsent: boolean): string {
  if (labels.length === 0) return 'by nodeAffinity';
  const asked = describeRequirements(labels);
  if (!isAbsent) return `its labels do not meet ${asked}`;
  return labels.length === 1 ? `label ${asked} is missing` : `labels ${asked} are missing`;
}

/**
 * Returns whether the node lacks the label. A label with another value is not missing: the policy is then meant for
 * other nodes, for example for another hostname.
 */
function isMissing({ labels }: NodeSummary, { key, operator }: Requirement): boolean {
  return (operator === 'In' || operator === 'Exists') && !Object.hasOwn(labels, key);
}

/**
 * Returns the first node that would expose the resource if the policy selected it. If no resource is given, any
 * resource of the policy counts. Returns undefined if there is no such node.
 */
function hostFor(
  policy: Policy,
  resource: string | undefined,
  names: readonly string[],
  facts: WhyFacts,
): string | undefined {
  const everywhere = { ...policy, nodes: { labels: [], terms: undefined } };
  const wanted = { policies: [everywhere], explicit: undefined, implicit: undefined };
  return names.find((name) => {
    const node = facts.nodes.get(name);
    const interfaces = facts.nodeStates.get(name)?.status?.interfaces;
    if (node === undefined || interfaces === undefined) return false;
    const plan = tryPlan(node, interfaces, wanted);
    if ('failure' in plan) return false;
    return plan.resources.some((planned) => resource === undefined || planned.name === resource);
  });
}
