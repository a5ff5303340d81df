// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import { compareNatural, compareText } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { ExplicitConfig } from '../plan/from-explicit.ts';
import type { NodeFacts } from '../plan/match-labels.ts';
import type { Origin } from '../plan/node-plan.ts';
import type { Mode } from '../plan/resource.ts';
import type { Governing } from './policies-governing.ts';

/** The objects from which offers are read. A snapshot of the cluster has these fields. */
export interface OffersInput {
  readonly policies: readonly Policy[];
  /** The nodes by name. States of nodes that are missing here belong to deleted nodes and are ignored. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** The states by the node's name. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  readonly explicit: ExplicitConfig | undefined;
}

/**
 * A resource that nodes expose, or that a policy or the explicit configuration names. There is one offer for each
 * combination of resource, source, policy and mode.
 *
 * @example { resource: 'dataplane', source: 'policy', policy: 'macvtap-cni/p', mode: 'private', parents: ['bond1'],
 *   quantity: 25, nodes: 2, mtu: 1500 }
 */
export interface Offer {
  /** Without the prefix. */
  readonly resource: string;
  readonly source: Origin['source'];
  /** `namespace/name` if the source is a policy. */
  readonly policy?: string;
  readonly mode: Mode;
  /**
   * The names of the interfaces that the resource uses, sorted. While no node exposes the resource, the interfaces that
   * it would use.
   */
  readonly parents: readonly string[];
  /** The largest number of devices on a single node. While no node exposes the resource, the declared quantity. */
  readonly quantity: number;
  /** How many nodes report that they expose the resource. */
  readonly nodes: number;
  /** The smallest MTU of the parents. Absent while no node exposes the resource. */
  readonly mtu?: number;
}

/**
 * All offers at one moment. Every look-up uses a hash table and no I/O. Lists of offers are in the order of
 * `compareOffers`.
 *
 * - Offers from policies and the explicit configuration have the names and modes that are written there. So an edit is
 *   visible at once, even while nodes still report the previous state.
 * - For policy entries without a resource name, the names come from the interfaces that nodes report, even before a
 *   node exposes the resource.
 * - The number of nodes, the parents, the quantity and the MTU come from node states.
 * - Offers from tags and implicit exposure come only from node states.
 */
export interface Offers {
  ofResource(resource: string): readonly Offer[];
  ofParent(parent: string): readonly Offer[];
  /** The offers whose source is a policy, sorted by resource name. */
  readonly fromPolicies: readonly Offer[];
  /** The names of all offered resources, sorted. */
  readonly resources: readonly string[];
  /** The policies that decide who may use a resource. They do not depend on node states. */
  readonly governing: Governing;
  /** Returns a valid policy by `namespace/name`. */
  policy(id: string): Policy | undefined;
  /**
   * Returns the offers that result from these policies and the current nodes. A policy is not read again
   * if it is the same object as before.
   */
  withPolicies(policies: readonly Policy[]): Offers;
}

/** The precedence of sources on a node, highest first. */
const ranks = { policy: 0, explicit: 1, tag: 2, implicit: 3 } as const satisfies Record<Offer['source'], number>;

/**
 * Orders offers by resource, source, policy and mode. The order is total, because no two offers are equal in all four.
 */
export function compareOffers(left: Offer, right: Offer): number {
  return (
    compareText(left.resource, right.resource) ||
    ranks[left.source] - ranks[right.source] ||
    compareText(left.policy ?? '', right.policy ?? '') ||
    compareText(left.mode, right.mode)
  );
}

/** Returns the key of an offer among those of its resource: `policy macvtap-cni/p private`. */
export function offerKey({ source, policy = '', mode }: Pick<Offer, 'source' | 'policy' | 'mode'>): string {
  return `${source} ${policy} ${mode}`;
}

/** Merges the offers of one resource that have the same key. The result has all parents and the highest quantity. */
export function mergeOffers(offers: readonly Offer[]): readonly Offer[] {
  return [...Map.groupBy(offers, offerKey).values()].map((alike) => alike.reduce(merge));
}

function merge(left: Offer, right: Offer): Offer {
  const parents = [...new Set([...left.parents, ...right.parents])].sort(compareNatural);
  return { ...left, parents, quantity: Math.max(left.quantity, right.quantity) };
}
