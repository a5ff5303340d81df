// SPDX-License-Identifier: Apache-2.0
import type { NadFacts } from '../nad/read-nad.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { Offers } from '../offers/offers.ts';
import { matchNode } from '../plan/match-labels.ts';
import type { NodePlan } from '../plan/node-plan.ts';
import { isGoverned } from '../plan/plan-node.ts';
import { isOffered } from './node-inventory.ts';
import type { NodeSummary, PodSummary, Subject, WhyFacts } from './why-facts.ts';

/** The objects of the cluster that concern a subject. Rules search only these objects. */
export interface Scope {
  readonly subject: Subject;
  readonly pod?: PodSummary;
  readonly networks: readonly ScopedNetwork[];
  readonly demands: readonly Demand[];
  /** The policies that concern the subject, valid or not. */
  readonly policies: readonly Policy[];
  /** The nodes that concern the subject, in natural order. */
  readonly nodes: readonly NodeSummary[];
  /** Resources that should be offered, but that none of their `nodes` offers. */
  readonly shortages: readonly Shortage[];
  readonly offers: Offers;
  /** Returns the plan of a node, or undefined if its interfaces are unknown. */
  planOf(node: string): NodePlan | undefined;
}

/** A network that the subject names, or the subject itself if it is a network. */
export interface ScopedNetwork {
  /** `namespace/name`. */
  readonly key: string;
  /** Undefined if the network does not exist, or is not of type macvtap. */
  readonly facts: NadFacts | undefined;
  readonly exists: boolean;
  /** The resource that the network's pods need, without the prefix. */
  readonly resource: string | undefined;
}

/** The number of devices of one resource that a network or container needs. */
export interface Demand {
  readonly resource: string;
  readonly count: number;
  readonly network?: string;
}

/** A resource that none of the nodes offers. If `resource` is absent, the nodes offer no resource at all. */
export interface Shortage {
  readonly resource?: string;
  readonly network?: string;
  readonly nodes: readonly NodeSummary[];
}

/** Returns the demands for resources that none of the nodes offers. */
export function shortagesOf(
  demands: readonly Demand[],
  nodes: readonly NodeSummary[],
  facts: WhyFacts,
): readonly Shortage[] {
  return demands
    .filter(({ resource }) => !nodes.some((node) => isOffered(facts, node, resource)))
    .map(({ resource, network }) => ({ resource, ...(network !== undefined && { network }), nodes }));
}

/** Returns the nodes that no policy selects. The explicit configuration, if it is not empty, is their source. */
export function ungovernedNodes(nodes: readonly NodeSummary[], { policies }: WhyFacts): readonly string[] {
  return nodes.filter((node) => !isGoverned(node, policies)).map(({ name }) => name);
}

/**
 * Returns the nodes whose state can explain why something is missing: the nodes of the shortages, and the node of the
 * subject. If a policy of the scope selects any of them, the others are left out.
 */
export function suspectNodes({ subject, pod, nodes, shortages, policies }: Scope): readonly NodeSummary[] {
  const own = subject.kind === 'node' || (pod?.node !== undefined && !pod.isReady) ? nodes : [];
  const short = [...new Set([...own, ...shortages.flatMap((shortage) => shortage.nodes)])];
  const selected = short.filter((node) => policies.some((policy) => matchNode(node, policy.nodes)));
  return selected.length > 0 ? selected : short;
}
