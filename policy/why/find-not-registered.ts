// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { kubectl } from './kubectl.ts';
import { listResources, wayTo } from './list-resources.ts';

/**
 * What a node's plugin serves kubelet has written into the Node's status. It takes up to 18 seconds to; where it does not
 * come, kubelet and the plugin have lost each other, and its log says how.
 */
export const findNotRegistered: CauseRule = (scope, facts) => {
  const { plugin, policyNamespace } = facts;
  if (scope.pod?.isReady || plugin === undefined || plugin === 'absent') return [];
  const isUnheardOf = (node: string, name: string) => !facts.nodes.get(node)?.allocatable.has(name);
  return listResources(
    scope,
    facts,
    ({ name, health }, node) =>
      health !== 'Unhealthy' && isUnheardOf(node, name) && plugin.pods.get(node)?.isReady === true,
  ).map((found): Cause => {
    const pods = found.nodes.slice(0, 3).flatMap((node) => plugin.pods.get(node)?.name ?? []);
    return {
      code: 'NotRegistered',
      isNote: false,
      ...wayTo(found),
      detail: `the node's state has ${found.resource.name}, and the Node's allocatable has not`,
      fix: {
        text: 'wait for 20 seconds; if it stays so, start the node plugin anew',
        commands: [kubectl('delete', 'pod', ...pods, '-n', policyNamespace)],
      },
    };
  });
};
