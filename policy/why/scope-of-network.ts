// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../plan/natural-order.ts';
import type { Ground } from './ground.ts';
import { lacksOf } from './lacks-of.ts';
import { policiesFor } from './policies-for.ts';
import type { Demand, Scope } from './scope.ts';
import { scopeNetwork } from './scope-network.ts';
import { nameOf, type Subject } from './subject.ts';
import type { WhyFacts } from './why-facts.ts';

/** A network: its resource, on any node of the cluster. */
export function scopeOfNetwork(subject: Subject, facts: WhyFacts, ground: Ground): Scope | undefined {
  const network = scopeNetwork(nameOf(subject), facts);
  if (!network.exists) return undefined;
  const { key, resource } = network;
  const demands: readonly Demand[] = resource === undefined ? [] : [{ resource, count: 1, network: key }];
  const nodes = [...facts.nodes.values()].sort((left, right) => compareNatural(left.name, right.name));
  return {
    ...ground,
    subject,
    networks: [network],
    demands,
    policies: policiesFor(demands, facts, ground),
    nodes,
    lacks: lacksOf(demands, nodes, facts),
  };
}
