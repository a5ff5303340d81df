// SPDX-License-Identifier: Apache-2.0
import { isLinkName } from '../device/link-name.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import { hasName } from './match-nic.ts';
import { compareNatural } from './natural-order.ts';

/** A node's interfaces, indexed for one plan. */
export interface Interfaces {
  /**
   * What selectors and implicit exposure look through, in natural order of the names: all but the macvtaps that this
   * project made.
   */
  readonly selectable: readonly InterfaceFacts[];
  /** By name, else by altname. */
  find(name: string): InterfaceFacts | undefined;
  /** The NUMA nodes of an interface; a bond is on those of its members. Ascending. */
  numaNodesOf(nic: InterfaceFacts): readonly number[];
  /** Whether it, or a link that stands on it (a VLAN), holds addresses of global scope or the default route. */
  carriesNodeTraffic(nic: InterfaceFacts): boolean;
}

export function indexInterfaces(facts: readonly InterfaceFacts[]): Interfaces {
  const all = facts.toSorted((left, right) => compareNatural(left.name, right.name));
  const selectable = all.filter(({ kind, name }) => !(kind === 'macvtap' && isLinkName(name)));
  // Asked once for every entry that selects, and the answer costs a walk through all links: kept for the plan.
  const numaNodes = new Map<InterfaceFacts, readonly number[]>();
  return {
    selectable,
    find: (name) => all.find((nic) => nic.name === name) ?? all.find((nic) => hasName(nic, name)),
    numaNodesOf: (nic) => numaNodes.getOrInsertComputed(nic, () => numaNodesOf(nic, all)),
    carriesNodeTraffic: (nic) => carriesNodeTraffic(nic, selectable, new Set()),
  };
}

function numaNodesOf(nic: InterfaceFacts, all: readonly InterfaceFacts[]): readonly number[] {
  const members = nic.kind === 'bond' ? all.filter(({ master }) => master?.name === nic.name) : [];
  const nodes = [nic, ...members].flatMap(({ numaNode }) => (numaNode === undefined ? [] : [numaNode]));
  return [...new Set(nodes)].sort((left, right) => left - right);
}

/** `seen` ends the walk should two links ever name each other. Our own macvtaps carry a pod's traffic, not the node's. */
function carriesNodeTraffic(nic: InterfaceFacts, links: readonly InterfaceFacts[], seen: Set<string>): boolean {
  if (seen.has(nic.name)) return false;
  seen.add(nic.name);
  if (nic.defaultRoute || (nic.addresses?.length ?? 0) > 0) return true;
  const above = nic.ifindex === undefined ? [] : links.filter(({ lowerIfindex }) => lowerIfindex === nic.ifindex);
  return above.some((upper) => carriesNodeTraffic(upper, links, seen));
}
