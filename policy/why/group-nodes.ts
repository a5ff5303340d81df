// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../plan/natural-order.ts';

/** As many as still fit into a command. */
const mostInCommand = 8;

/**
 * What holds on many nodes, told once: items of the same key come together, with the names of their nodes. In the order
 * in which keys appear.
 */
export function groupNodes<Item extends { readonly node: string }>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): readonly { readonly first: Item; readonly nodes: readonly string[] }[] {
  return [...Map.groupBy(items, keyOf).values()].map((same) => ({
    first: same[0] as Item,
    nodes: [...new Set(same.map(({ node }) => node))].sort(compareNatural),
  }));
}

/** Nodes as arguments of a command; of very many, the place to put each. */
export function nodeArguments(nodes: readonly string[]): readonly string[] {
  return nodes.length > mostInCommand ? ['NODE'] : nodes;
}

/** `h1`, `h1, h2 and h3`, `4,998 nodes (h2, h3, h4, …)`. */
export function describeNodes(nodes: readonly string[]): string {
  if (nodes.length > 3) return `${count(nodes.length)} nodes (${nodes.slice(0, 3).join(', ')}, …)`;
  return nodes.length === 1 ? `${nodes[0]}` : `${nodes.slice(0, -1).join(', ')} and ${nodes.at(-1)}`;
}

/** `a`, `a and b`, `a, b, c and 4 more`. */
export function nameSome(names: readonly string[]): string {
  const all = names.length > 3 ? [...names.slice(0, 3), `${count(names.length - 3)} more`] : names;
  return all.length === 1 ? `${all[0]}` : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}

/** The same as an object of a way: `Node h1`, `Nodes h1 and h2`. */
export function nameNodes(nodes: readonly string[]): string {
  if (nodes.length > 3) return describeNodes(nodes);
  return `${nodes.length === 1 ? 'Node' : 'Nodes'} ${describeNodes(nodes)}`;
}

/** With commas between thousands, whatever the machine's language. */
function count(number: number): string {
  return String(number).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
