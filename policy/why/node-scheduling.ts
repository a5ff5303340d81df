// SPDX-License-Identifier: Apache-2.0

import { compareNatural } from '../names.ts';
import { meetsRequirement, type NodeFacts, type Requirement } from '../plan/match-labels.ts';
import { kubectl } from './suggested-commands.ts';
import type { Taint, Toleration } from './why-facts.ts';

/**
 * The taint that the node controller sets while spec.unschedulable is true. Source: k8s.io/api/core/v1
 * TaintNodeUnschedulable.
 */
const cordonKey = 'node.kubernetes.io/unschedulable';

/** Returns whether the node is cordoned, by `kubectl cordon` or `kubectl drain`. */
export function isCordoned(taints: readonly Taint[]): boolean {
  return taints.some(({ key }) => key === cordonKey);
}

/** Returns the taints that keep a pod off a node. Source: component-helpers corev1.FindMatchingUntoleratedTaint. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): readonly Taint[] {
  return taints.filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
}

/** Returns the requirements that a node's labels do not meet. */
export function unmetRequirements({ labels }: NodeFacts, requirements: readonly Requirement[]): readonly Requirement[] {
  return requirements.filter(
    (requirement) =>
      !meetsRequirement(Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined, requirement),
  );
}

/**
 * Returns the command that labels nodes so that they meet requirements. `written` is how the command names the nodes,
 * for example with the placeholder `NODE`. Returns undefined if the right value is unknown, as for Gt and Lt.
 */
export function labelNodes(
  names: readonly string[],
  requirements: readonly Requirement[],
  nodes: ReadonlyMap<string, NodeFacts>,
  written: readonly string[] = nodeArguments(names),
): string | undefined {
  const changes = requirements.map(labelChange);
  if (changes.some((change) => change === undefined)) return undefined;
  const isThere = requirements.some(({ key }) =>
    names.some((name) => Object.hasOwn(nodes.get(name)?.labels ?? {}, key)),
  );
  const texts = changes.filter((change) => change !== undefined);
  const overwrites = isThere && texts.some((text) => text.includes('='));
  return kubectl('label', 'node', ...written, ...texts, ...(overwrites ? ['--overwrite'] : []));
}

/**
 * Returns the argument of `kubectl label` for a requirement: `macvtapAware=true` sets a label, `stage-` removes one.
 */
export function labelChange({ key, operator, values }: Requirement): string | undefined {
  switch (operator) {
    case 'In':
      return values[0] === undefined ? undefined : `${key}=${values[0]}`;
    case 'Exists':
      return `${key}=`;
    case 'NotIn':
    case 'DoesNotExist':
      return `${key}-`;
    case 'Gt':
    case 'Lt':
      return undefined;
  }
}

/** The maximum number of nodes in a command. */
const mostInCommand = 8;

/** Groups items by key, with the names of their nodes. Groups are in the order in which their keys first appear. */
export function groupNodes<Item extends { readonly node: string }>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly { readonly first: Item; readonly nodes: readonly string[] }[] {
  return [...Map.groupBy(items, keyOf).values()].map((same) => ({
    first: same[0] as Item,
    nodes: [...new Set(same.map(({ node }) => node))].sort(compareNatural),
  }));
}

/** Returns node names as arguments of a command, or the placeholder `NODE` if there are too many. */
export function nodeArguments(nodes: readonly string[]): readonly string[] {
  return nodes.length > mostInCommand ? ['NODE'] : nodes;
}

/** Returns `h1`, `h1, h2 and h3` or `4,998 nodes (h2, h3, h4, …)`. */
export function describeNodes(nodes: readonly string[]): string {
  if (nodes.length > 3) return `${count(nodes.length)} nodes (${nodes.slice(0, 3).join(', ')}, …)`;
  return nodes.length === 1 ? `${nodes[0]}` : `${nodes.slice(0, -1).join(', ')} and ${nodes.at(-1)}`;
}

/** Returns `a`, `a and b` or `a, b, c and 4 more`. */
export function nameSome(names: readonly string[]): string {
  const all = names.length > 3 ? [...names.slice(0, 3), `${count(names.length - 3)} more`] : names;
  return all.length === 1 ? `${all[0]}` : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

/** Describes nodes as a step: `Node h1`, `Nodes h1 and h2`. */
export function nameNodes(nodes: readonly string[]): string {
  if (nodes.length > 3) return describeNodes(nodes);
  return `${nodes.length === 1 ? 'Node' : 'Nodes'} ${describeNodes(nodes)}`;
}

/** Formats a number with commas between thousands, regardless of the locale. */
function count(number: number): string {
  return String(number).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
