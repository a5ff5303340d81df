// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodeState } from '../api/macvtap-network-node-state.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import type { Mode } from '../plan/mode.ts';
import type { Asker } from '../plan/node-plan.ts';
import type { ExplicitConfig } from '../plan/read-explicit.ts';

/** What offers are read from; a snapshot of the cluster is one. */
export interface OffersInput {
  readonly policies: readonly Policy[];
  /** By name: the state of a node that is not among them is what a node left behind, and does not count. */
  readonly nodes: ReadonlyMap<string, NodeFacts>;
  /** By the node's name. */
  readonly nodeStates: ReadonlyMap<string, MacvtapNetworkNodeState>;
  readonly explicit: ExplicitConfig | undefined;
}

/**
 * A resource as nodes expose it or a policy or the explicit configuration names it; one for each resource, source,
 * policy and mode.
 *
 * @example { resource: 'dataplane', source: 'policy', policy: 'macvtap-cni/p', mode: 'private', parents: ['bond1'],
 *   quantity: 25, nodes: 2, mtu: 1500 }
 */
export interface Offer {
  /** Without the prefix. */
  readonly resource: string;
  readonly source: Asker['source'];
  /** `namespace/name`, when the source is a policy. */
  readonly policy?: string;
  readonly mode: Mode;
  /** Names of the interfaces that it stands on, or, while no node exposes it, that it would stand on; sorted. */
  readonly parents: readonly string[];
  /** The most devices that any one node exposes; what is asked for while none does. */
  readonly quantity: number;
  /** How many nodes expose it, by their states. */
  readonly nodes: number;
  /** The smallest MTU of the parents it stands on; absent while no node exposes it. */
  readonly mtu?: number;
}

/**
 * What is offered where, at one moment. Every look-up is by hash and without I/O; lists of offers are in the order of
 * `compareOffers`.
 *
 * Policies and the explicit configuration are the truth for what they name and in which mode: an edit shows at once,
 * though nodes still report what was before. Where a policy gives no name, the interfaces that nodes report tell it, so
 * that this shows before any node exposes it, too. Node states are the truth for how many nodes expose it, on which parents,
 * how many devices and with which MTU, and for all that tags and implicit exposure offer.
 */
export interface Offers {
  ofResource(resource: string): readonly Offer[];
  ofParent(parent: string): readonly Offer[];
  /** Offers whose source is a policy, by resource name. */
  readonly fromPolicies: readonly Offer[];
  /** Every resource name that is offered, sorted. */
  readonly resources: readonly string[];
  /** A policy that counts, that is one without faults, by `namespace/name`. */
  policy(id: string): Policy | undefined;
  /** The same with other policies, and the nodes as they are known now; one that is the same object costs nothing. */
  withPolicies(policies: readonly Policy[]): Offers;
}
