// SPDX-License-Identifier: Apache-2.0
import { textTable } from '../../runtime/text-table.ts';
import { type NodePlan, nodeAddress, podRange } from './layout.ts';

/** Returns a table of the nodes for a user. */
export function nodeTable(nodes: readonly NodePlan[]): string {
  const rows = nodes.map((node) => [
    node.name,
    nodeAddress(node),
    podRange(node),
    node.interfaces.join(' '),
    Object.entries(node.labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(' '),
  ]);
  return textTable(['NODE', 'ADDRESS', 'PODS', 'INTERFACES', 'LABELS'], rows);
}
