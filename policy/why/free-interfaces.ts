// SPDX-License-Identifier: Apache-2.0
import { type InterfaceFacts, readInterface } from '../plan/interface-facts.ts';
import { type Interfaces, indexInterfaces } from '../plan/interfaces.ts';
import { compareNatural } from '../plan/natural-order.ts';
import { checkSuitability } from '../plan/suitability.ts';
import type { WhyFacts } from './why-facts.ts';

/** The names of the interfaces that can be parents on any of some nodes, in natural order. */
export function suitableOn(nodes: readonly string[], facts: WhyFacts): readonly string[] {
  const sets = namesOn(nodes, facts, (nic, interfaces) => checkSuitability(nic, sharing, interfaces) === undefined);
  return [...new Set(sets.flatMap((names) => [...names]))].sort(compareNatural);
}

/**
 * Those that can on every one of the nodes, and of which nothing is made yet: no resource stands on them, and they carry
 * nothing of the node's own.
 */
export function freeOn(nodes: readonly string[], facts: WhyFacts): readonly string[] {
  const taken = new Set(
    nodes.flatMap((node) => (facts.nodeStates.get(node)?.status?.resources ?? []).map(({ parent }) => parent)),
  );
  const isFree = (nic: InterfaceFacts, interfaces: Interfaces) =>
    checkSuitability(nic, sharing, interfaces) === undefined &&
    !interfaces.carriesNodeTraffic(nic) &&
    !taken.has(nic.name);
  const [first = new Set<string>(), ...others] = namesOn(nodes, facts, isFree);
  return [...first].filter((name) => others.every((names) => names.has(name))).sort(compareNatural);
}

const sharing = { resourceName: 'any', mode: 'bridge', allowHostInterface: false } as const;

function namesOn(
  nodes: readonly string[],
  { nodeStates }: WhyFacts,
  isMeant: (nic: InterfaceFacts, interfaces: Interfaces) => boolean,
): readonly ReadonlySet<string>[] {
  return nodes.map((node) => {
    const facts = (nodeStates.get(node)?.status?.interfaces ?? []).map(readInterface);
    const interfaces = indexInterfaces(facts);
    return new Set(facts.filter((nic) => isMeant(nic, interfaces)).map(({ name }) => name));
  });
}
