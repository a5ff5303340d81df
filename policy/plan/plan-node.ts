// SPDX-License-Identifier: Apache-2.0
import type { Candidate } from './candidate.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import { type Interfaces, indexInterfaces } from './interfaces.ts';
import type { NodeFacts } from './match-node.ts';
import { compareNatural } from './natural-order.ts';
import type { NodePlan, PlannedResource } from './node-plan.ts';
import { resolveConflicts } from './resolve-conflicts.ts';
import { askSources, type Wanted } from './sources.ts';

/**
 * What a node exposes: the answer to its interfaces and to everything that can cause resources on it. A pure function;
 * the order of interfaces, policies and labels makes no difference.
 */
export function planNode(node: NodeFacts, facts: readonly InterfaceFacts[], wanted: Wanted): NodePlan {
  const interfaces = indexInterfaces(facts);
  const { source, candidates, skipped } = askSources(node, wanted, interfaces);
  const { winners, conflicts } = resolveConflicts(candidates);
  const resources = winners
    .map((winner) => toResource(winner, interfaces))
    .sort((left, right) => compareNatural(left.name, right.name));
  return { node: node.name, source, resources, skipped, conflicts };
}

function toResource(candidate: Candidate, interfaces: Interfaces): PlannedResource {
  const { nic, excludeTopology, ...rest } = candidate;
  return { ...rest, parent: nic.name, numaNodes: excludeTopology ? [] : interfaces.numaNodesOf(nic) };
}
