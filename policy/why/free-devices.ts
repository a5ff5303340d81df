// SPDX-License-Identifier: Apache-2.0
import { isOffered, reportedOn } from './node-offers.ts';
import type { Scope } from './scope.ts';
import type { Holder, NodeStanding, WhyFacts } from './why-facts.ts';

/** How many devices of a resource a node has, and who holds them. */
export interface DevicesOnNode {
  readonly node: string;
  readonly all: number;
  readonly free: number;
  /** Undefined where nobody asked. */
  readonly holders: readonly Holder[] | undefined;
}

/**
 * The nodes of a scope that offer a resource. The scheduler counts what pods ask for, and so does this; where pods were not
 * read, the node's own count of held devices is as good.
 */
export function devicesOn(scope: Scope, facts: WhyFacts, resource: string): readonly DevicesOnNode[] {
  return scope.nodes.filter((node) => isOffered(facts, node, resource)).map((node) => countOn(node, facts, resource));
}

function countOn({ name, allocatable }: NodeStanding, facts: WhyFacts, resource: string): DevicesOnNode {
  const all = allocatable.get(resource) ?? 0;
  const holders = facts.holders.get(name)?.filter(({ devices }) => (devices.get(resource) ?? 0) > 0);
  const held =
    holders === undefined
      ? (reportedOn(facts, name, resource)?.held ?? 0)
      : holders.reduce((sum, { devices }) => sum + (devices.get(resource) ?? 0), 0);
  return { node: name, all, free: Math.max(0, all - held), holders };
}
