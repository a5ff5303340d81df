// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { groupNodes } from '../node-scheduling.ts';
import { suspectNodes } from '../scope.ts';

/** Checks that the node's kernel supports macvtap. */
export const findMacvtapUnsupported: CauseRule = (scope, { nodeStates }) => {
  const without = suspectNodes(scope).flatMap(({ name: node }) => {
    const troubles = nodeStates.get(node)?.status?.troubles ?? [];
    return troubles.filter(({ code }) => code === 'MacvtapUnsupported').map(({ message }) => ({ node, message }));
  });
  return groupNodes(without, ({ message }) => message).map(
    ({ first: { message }, nodes }): Cause => ({
      code: 'MacvtapUnsupported',
      isNote: false,
      nodes,
      detail: message,
      fix: { text: 'load the module, or run a kernel that has it', onNode: ['modprobe macvtap'], commands: [] },
    }),
  );
};
