// SPDX-License-Identifier: Apache-2.0
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import { wishesFromPolicy } from '../plan/from-policies.ts';
import { matchNode, type NodeFacts } from '../plan/match-node.ts';
import type { Exposure } from './read-exposures.ts';
import type { Links } from './read-links.ts';

/**
 * A resource that a policy wants on a node and gives no name to, so that only the node's interfaces tell it. It counts
 * before the node exposes it, as what is written with a name does.
 *
 * @example { resource: 'eth0', parent: 'eth0', source: 'policy', policy: 'macvtap-cni/p', mode: 'bridge', quantity: 100,
 *   altName: 'lan' }
 */
export interface Wish extends Exposure {
  readonly policy: string;
  /** As what the policy knows the interface, where that is not its name; then the name need be no legal resource name. */
  readonly altName?: string;
}

/** Whether only nodes know what some resource of a policy is called. */
export function hasNamelessEntries({ entries }: Policy): boolean {
  return entries.some(({ resourceName }) => resourceName === undefined);
}

/** What the entries without a resource name of these policies find on a node, as far as it reported its interfaces. */
export function findWishes(node: NodeFacts, links: Links, policies: readonly Policy[]): readonly Wish[] {
  if (links.reported.length === 0) return [];
  return policies
    .filter((policy) => matchNode(node, policy.nodes))
    .flatMap((policy) => [...findByName(policy, links), ...findBySelector(policy, links)]);
}

/** Whether the interface is suitable does not matter to its name, as it does not where that is what is written. */
function findByName({ id, entries }: Policy, { reported }: Links): readonly Wish[] {
  return entries.flatMap((entry) => {
    if (entry.resourceName !== undefined || !('name' in entry.parent)) return [];
    const { name: written } = entry.parent;
    const link =
      reported.find(({ name }) => name === written) ?? reported.find(({ altNames }) => altNames?.includes(written));
    if (link === undefined) return [];
    const wish = wishFor(id, entry, link.name);
    return [link.name === written ? wish : { ...wish, altName: written }];
  });
}

/** What the plan would find, but for conflicts with other policies, which are no reason to forget who asks for it. */
function findBySelector(policy: Policy, links: Links): readonly Wish[] {
  const selecting = policy.entries.filter(
    ({ resourceName, parent }) => resourceName === undefined && 'matcher' in parent,
  );
  if (selecting.length === 0) return [];
  const { candidates } = wishesFromPolicy(policy, links.index());
  return candidates.flatMap(({ name, entry: index }) => {
    const entry = selecting.find((each) => each.index === index);
    return entry === undefined ? [] : [wishFor(policy.id, entry, name)];
  });
}

/** Thousands of nodes have interfaces of the same names: one object stands for the wishes of all. */
const wishes = new WeakMap<PolicyEntry, Map<string, Wish>>();

function wishFor(policy: string, entry: PolicyEntry, name: string): Wish {
  const { mode, quantity } = entry;
  const wish: Wish = { resource: name, source: 'policy', policy, mode, parent: name, quantity };
  return wishes.getOrInsertComputed(entry, () => new Map()).getOrInsert(name, wish);
}
