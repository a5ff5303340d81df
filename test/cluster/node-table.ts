// SPDX-License-Identifier: Apache-2.0
import { textTable } from '../../runtime/terminal-text.ts';
import { type NodePlan, nodeAddress, podRange } from './layout.ts';
import { nicsOf, portNames } from './machine/nics.ts';

/** Returns a table of the nodes for a user. */
export function nodeTable(nodes: readonly NodePlan[]): string {
  const rows = nodes.map((node) => [
    node.name,
    nodeAddress(node),
    podRange(node),
    node.interfaces.map((name) => describeInterface(node, name)).join(' '),
    Object.entries(node.labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(' '),
  ]);
  return textTable(['NODE', 'ADDRESS', 'PODS', 'INTERFACES', 'LABELS'], rows);
}

/**
 * Returns an interface's name and, if the node is a virtual machine, the cards of the interface:
 * `bond1=802.3ad:bond1p0/e1000e,bond1p1/e1000e`.
 */
function describeInterface(node: NodePlan, name: string): string {
  const nic = nicsOf(node).find((one) => one.name === name);
  if (nic === undefined) return name;
  const ports = portNames(nic).map((port, at) => (nic.bond === undefined ? '' : `${port}/`) + nic.ports[at]?.model);
  return `${name}=${nic.bond === undefined ? '' : `${nic.bond}:`}${ports.join()}`;
}
