// SPDX-License-Identifier: Apache-2.0
import type { NadFacts } from '../nad/read-nad.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { Offers } from '../offers/offers.ts';
import type { NodePlan } from '../plan/node-plan.ts';
import type { Subject } from './subject.ts';
import type { NodeStanding, PodStanding } from './why-facts.ts';

/** What of the cluster concerns a subject: the one thing that every rule looks through. */
export interface Scope {
  readonly subject: Subject;
  readonly pod?: PodStanding;
  readonly networks: readonly ScopedNetwork[];
  readonly demands: readonly Demand[];
  /** The policies that it is about, also those that do not count. */
  readonly policies: readonly Policy[];
  /** The nodes that it is about, in natural order. */
  readonly nodes: readonly NodeStanding[];
  /** What should be there and is not. */
  readonly lacks: readonly Lack[];
  readonly offers: Offers;
  /** What a node should expose by its interfaces; undefined where they are not known. */
  planOf(node: string): NodePlan | undefined;
}

/** A network that the subject names, or is. */
export interface ScopedNetwork {
  /** `namespace/name`. */
  readonly key: string;
  /** Undefined where there is no such network, or none of ours. */
  readonly facts: NadFacts | undefined;
  readonly exists: boolean;
  /** What its pods need, without the prefix. */
  readonly resource: string | undefined;
}

/** So many devices of a resource are needed, by a network or by a container itself. */
export interface Demand {
  readonly resource: string;
  readonly count: number;
  readonly network?: string;
}

/** A resource that none of some nodes offers; without one, nothing at all is offered there. */
export interface Lack {
  readonly resource?: string;
  readonly network?: string;
  readonly nodes: readonly NodeStanding[];
}
