// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { groupNodes, nodeArguments } from '../node-scheduling.ts';
import { suspectNodes } from '../scope.ts';
import { kubectl, selectComponent } from '../suggested-commands.ts';

/**
 * Checks that the node's report is within the limits and can be read. Otherwise the report is ignored, as if the node
 * had not reported.
 */
export const findNodeStateLeftOut: CauseRule = (scope, { leftOut, plugin, policyNamespace }) => {
  const found = suspectNodes(scope).flatMap(({ name: node }) => {
    const reason = leftOut.get(node);
    return reason === undefined ? [] : [{ node, reason }];
  });
  const isKnown = plugin !== undefined && plugin !== 'absent';
  const pods = isKnown ? [`daemonset/${plugin.name}`] : selectComponent('node');
  return groupNodes(found, ({ reason }) => reason).map(
    ({ first: { reason }, nodes }): Cause => ({
      code: 'NodeStateLeftOut',
      isNote: false,
      nodes,
      detail: `its MacvtapNetworkNodeState is left out: ${reason}`,
      fix: {
        text: 'check the node, and that only its node plugin has the token; then delete the state, which the plugin writes again',
        commands: [
          kubectl('logs', ...pods, '-n', policyNamespace, '--tail=20'),
          kubectl('delete', 'macvtapnetworknodestate', ...nodeArguments(nodes)),
        ],
      },
    }),
  );
};
