// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../plan/natural-order.ts';
import type { Ground } from './ground.ts';
import { resourcesOn } from './node-offers.ts';
import type { Scope } from './scope.ts';
import { nameOf, type Subject } from './subject.ts';
import type { WhyFacts } from './why-facts.ts';

/** A policy: what it makes of every node. It lacks something when no node offers anything by it. */
export function scopeOfPolicy(subject: Subject, facts: WhyFacts, ground: Ground): Scope | undefined {
  const id = nameOf(subject);
  const policy = facts.policies.find((one) => one.id === id);
  if (policy === undefined) return undefined;
  const nodes = [...facts.nodes.values()].sort((left, right) => compareNatural(left.name, right.name));
  const isExposed = nodes.some(({ name, allocatable }) =>
    resourcesOn(facts, name).some(
      (resource) => resource.policy === id && resource.health !== 'Unhealthy' && allocatable.has(resource.name),
    ),
  );
  return {
    ...ground,
    subject,
    networks: [],
    demands: [],
    policies: [policy],
    nodes,
    lacks: isExposed ? [] : [{ nodes }],
  };
}
