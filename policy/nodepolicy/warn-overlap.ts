// SPDX-License-Identifier: Apache-2.0
import { matchNode } from '../plan/match-node.ts';
import { comparePolicies } from '../plan/policy-order.ts';
import type { Verdict } from '../reasons.ts';
import { clip, countNodes, listNames, warnBriefly } from './brief-text.ts';
import type { PolicyWarning } from './policy-warning.ts';
import type { Policy } from './read-policy.ts';

/** What two policies cannot both have on one node. */
export interface Shared {
  /** Resources that both name. */
  readonly resources: readonly string[];
  /** Interfaces that both name, where one of them would take it whole. */
  readonly parents: readonly string[];
}

/** How many other policies are told one by one. */
const shownPolicies = 8;

/**
 * Two policies that select the same node may name the same resource, or the same interface where one wants it passthru:
 * one of them has it then, the other is told so in its status. Judged by what is written, on the nodes that are known;
 * what only the interfaces tell (selectors that meet) is the blast radius's to say.
 *
 * Reads resource names, interface names and modes of the entries, and the node selection. Emits PolicyOverlap.
 */
export const warnOverlap: PolicyWarning = (policy, { others, nodes }) => {
  const rivals = others
    .filter(({ id, faults }) => id !== policy.id && faults.length === 0)
    .map((other) => ({ other, shared: sharedBy(policy, other) }))
    .filter(({ shared }) => shared.resources.length + shared.parents.length > 0);
  if (rivals.length === 0) return [];
  const selected = [...nodes.values()].filter((node) => matchNode(node, policy.nodes));
  const overlaps = rivals
    .map((rival) => ({ ...rival, common: selected.filter((node) => matchNode(node, rival.other.nodes)) }))
    .filter(({ common }) => common.length > 0)
    .sort((left, right) => comparePolicies(left.other, right.other));
  return tellOverlaps(
    policy,
    overlaps.map(({ other, shared, common }) => ({ other, shared, nodes: common.map(({ name }) => name) })),
  );
};

/** What two policies share by what is written in them, wherever they may meet. */
export function sharedBy(left: Policy, right: Policy): Shared {
  const resources = namedResources(right);
  const parents = namedParents(right);
  return {
    resources: [...namedResources(left)].filter((name) => resources.has(name)),
    parents: [...namedParents(left)]
      .filter(([name, isWhole]) => parents.has(name) && (isWhole || parents.get(name)))
      .map(([name]) => name),
  };
}

/** One verdict for each other policy, in the order given, and one for all that are too many. */
export function tellOverlaps(
  policy: Policy,
  overlaps: readonly { readonly other: Policy; readonly shared: Shared; readonly nodes: readonly string[] }[],
): readonly Verdict[] {
  const told = overlaps.slice(0, shownPolicies).map(({ other, shared, nodes }) => {
    const things = [
      ...(shared.resources.length > 0 ? [listNames(shared.resources)] : []),
      ...(shared.parents.length > 0 ? [`passthru of ${listNames(shared.parents)}`] : []),
    ].join(' and ');
    return `${winnerOf(policy, other)}; ${clip(other.id, 60)} shares ${things} on ${countNodes(nodes)}`;
  });
  const rest = overlaps.length - told.length;
  const more = rest === 0 ? [] : [`and ${rest} more ${rest === 1 ? 'policy' : 'policies'}`];
  return [...told, ...more].map((detail) => warnBriefly('PolicyOverlap', 'spec', detail));
}

/** Who comes first, and what decides it. */
function winnerOf(policy: Policy, other: Policy): string {
  const winner = comparePolicies(policy, other) < 0 ? 'this policy' : 'the other';
  if (policy.priority !== other.priority) {
    const [low, high] = [policy.priority, other.priority].sort((left, right) => left - right);
    return `${winner} wins, priority ${low} before ${high}`;
  }
  return policy.createdMs === other.createdMs ? `${winner} wins by its name` : `${winner} wins, being older`;
}

function namedResources({ entries }: Policy): ReadonlySet<string> {
  return new Set(
    entries.flatMap(({ resourceName, parent }) => resourceName ?? ('name' in parent ? [parent.name] : [])),
  );
}

/** By name, whether some entry would take the interface whole. */
function namedParents({ entries }: Policy): ReadonlyMap<string, boolean> {
  const parents = new Map<string, boolean>();
  for (const { parent, mode } of entries) {
    if ('name' in parent) parents.set(parent.name, parents.get(parent.name) === true || mode === 'passthru');
  }
  return parents;
}
