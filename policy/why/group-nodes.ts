// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../names.ts';

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
