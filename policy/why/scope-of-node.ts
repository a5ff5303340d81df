// SPDX-License-Identifier: Apache-2.0
import type { Ground } from './ground.ts';
import { isOffered } from './node-offers.ts';
import type { Lack, Scope } from './scope.ts';
import type { Subject } from './subject.ts';
import type { WhyFacts } from './why-facts.ts';

/** A node: all that policies want there. It lacks what it should expose and does not offer, or anything at all. */
export function scopeOfNode(subject: Subject, facts: WhyFacts, ground: Ground): Scope | undefined {
  const node = facts.nodes.get(subject.name);
  if (node === undefined) return undefined;
  const planned = ground.planOf(node.name)?.resources ?? [];
  const missing = planned.filter(({ name }) => !isOffered(facts, node, name));
  const lacks: readonly Lack[] =
    node.allocatable.size === 0 ? [{ nodes: [node] }] : missing.map(({ name }) => ({ resource: name, nodes: [node] }));
  return { ...ground, subject, networks: [], demands: [], policies: facts.policies, nodes: [node], lacks };
}
