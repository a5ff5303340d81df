// SPDX-License-Identifier: Apache-2.0
import { matchNode } from '../plan/match-node.ts';
import { isOffered } from './node-offers.ts';
import type { Demand, Lack, Scope } from './scope.ts';
import type { NodeStanding, WhyFacts } from './why-facts.ts';

/** The demands that none of the nodes meets. */
export function lacksOf(demands: readonly Demand[], nodes: readonly NodeStanding[], facts: WhyFacts): readonly Lack[] {
  return demands
    .filter(({ resource }) => !nodes.some((node) => isOffered(facts, node, resource)))
    .map(({ resource, network }) => ({ resource, ...(network !== undefined && { network }), nodes }));
}

/**
 * The nodes whose own state can be why something is lacking: those that a policy selects, where one does, since nobody
 * expects anything of the others.
 */
export function nodesAtFault({ subject, pod, nodes, lacks, policies }: Scope): readonly NodeStanding[] {
  const own = subject.kind === 'node' || (pod?.node !== undefined && !pod.isReady) ? nodes : [];
  const lacking = [...new Set([...own, ...lacks.flatMap((lack) => lack.nodes)])];
  const selected = lacking.filter((node) => policies.some((policy) => matchNode(node, policy.nodes)));
  return selected.length > 0 ? selected : lacking;
}
