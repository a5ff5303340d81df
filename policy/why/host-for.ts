// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { readInterface } from '../plan/interface-facts.ts';
import { planNode } from '../plan/plan-node.ts';
import type { WhyFacts } from './why-facts.ts';

/**
 * The first of some nodes that would expose a resource by a policy, if it were selected: the policy finds an interface
 * there. Without a resource, anything at all. Undefined where no node is known to.
 */
export function hostFor(
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
    const { resources } = planNode(node, interfaces.map(readInterface), wanted);
    return resources.some((planned) => resource === undefined || planned.name === resource);
  });
}
