// SPDX-License-Identifier: Apache-2.0
import { warn } from '../reasons.ts';
import type { Policy } from './read-policy.ts';
import { count, type PolicyWarning } from './warning.ts';

/**
 * Warns if a policy selects every node. All nodes then expose only what policies declare, and implicit exposure ends.
 * The author may want this, or may have forgotten the selector or written it at the wrong level of the YAML.
 *
 * After an update, the warning appears only if the old policy did not select every node, because otherwise the author
 * already knows.
 *
 * Reads spec.nodeSelector and spec.nodeAffinity. Emits SelectsEveryNode.
 */
export const warnEveryNode: PolicyWarning = ({ nodes }, context) =>
  selectsEveryNode(nodes) && !(context.earlier !== undefined && selectsEveryNode(context.earlier.nodes))
    ? [warn('SelectsEveryNode', 'spec.nodeSelector', `selects every node: ${count(context.nodes.size, 'node')} now`)]
    : [];

function selectsEveryNode({ labels, terms }: Policy['nodes']): boolean {
  return labels.length === 0 && terms === undefined;
}
