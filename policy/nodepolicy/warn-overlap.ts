// SPDX-License-Identifier: Apache-2.0

import { comparePolicies } from '../plan/from-policies.ts';
import { matchNode } from '../plan/match-labels.ts';
import { namedParent } from '../plan/vlan.ts';
import type { Verdict } from '../reasons.ts';
import type { Policy } from './read-policy.ts';
import { clip, countNodes, listNames, type PolicyWarning, warnBriefly } from './warning.ts';

/** The resources and interfaces over which two policies conflict. On a node, only one of the two policies gets them. */
export interface Shared {
  /** Resources that both policies name. */
  readonly resources: readonly string[];
  /** Interfaces that both policies name, and that at least one policy uses with passthru. */
  readonly parents: readonly string[];
}

/**
 * The maximum number of warnings that each name one conflicting policy. A last warning has the number of all further
 * ones.
 */
const shownPolicies = 8;

/**
 * Warns if two policies select the same node and conflict there. Two policies conflict if both name the same resource.
 * They also conflict if both name the same interface, and at least one uses it with passthru. One policy wins, and the
 * status of the other reports the conflict.
 *
 * This rule compares only the text of the policies. The blast radius finds the overlaps that depend on the nodes'
 * interfaces: selectors that match the same interface.
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
  return overlapVerdicts(
    policy,
    overlaps.map(({ other, shared, common }) => ({ other, shared, nodes: common.map(({ name }) => name) })),
  );
};

/** Returns the resource names and interfaces over which two policies would conflict on a node that both select. */
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

/**
 * Returns one verdict for each other policy, in the given order. If there are too many, the last verdict counts the
 * rest.
 */
export function overlapVerdicts(
  policy: Policy,
  overlaps: readonly { readonly other: Policy; readonly shared: Shared; readonly nodes: readonly string[] }[],
): readonly Verdict[] {
  const shown = overlaps.slice(0, shownPolicies).map(({ other, shared, nodes }) => {
    const things = [
      ...(shared.resources.length > 0 ? [listNames(shared.resources)] : []),
      ...(shared.parents.length > 0 ? [`passthru of ${listNames(shared.parents)}`] : []),
    ].join(' and ');
    return `${winnerOf(policy, other)}; ${clip(other.id, 60)} shares ${things} on ${countNodes(nodes)}`;
  });
  const rest = overlaps.length - shown.length;
  const more = rest === 0 ? [] : [`and ${rest} more ${rest === 1 ? 'policy' : 'policies'}`];
  return [...shown, ...more].map((detail) => warnBriefly('PolicyOverlap', 'spec', detail));
}

/** Describes which policy wins and why. */
function winnerOf(policy: Policy, other: Policy): string {
  const winner = comparePolicies(policy, other) < 0 ? 'this policy' : 'the other';
  if (policy.priority !== other.priority) {
    const [low, high] = [policy.priority, other.priority].sort((left, right) => left - right);
    return `${winner} wins, priority ${low} before ${high}`;
  }
  return policy.createdMs === other.createdMs ? `${winner} wins by its name` : `${winner} wins, being older`;
}

function namedResources({ entries }: Policy): ReadonlySet<string> {
  return new Set(entries.flatMap((entry) => entry.resourceName ?? namedParent(entry) ?? []));
}

/**
 * Returns the interfaces and VLANs that the entries name, such as `eth1` and `eth1.100`. The value is true if any entry
 * uses mode passthru.
 */
function namedParents({ entries }: Policy): ReadonlyMap<string, boolean> {
  const parents = new Map<string, boolean>();
  for (const entry of entries) {
    const name = namedParent(entry);
    if (name !== undefined) parents.set(name, parents.get(name) === true || entry.mode === 'passthru');
  }
  return parents;
}
