// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listResources, locateResource } from '../scoped-findings.ts';
import { kubectl } from '../suggested-commands.ts';

/**
 * Checks that kubelet lists the node plugin's resources in the Node's status. After a registration, this takes up to 18
 * seconds. If the resources are still missing, kubelet and the plugin have lost their connection, and the plugin's log
 * contains the reason.
 */
export const findNotRegistered: CauseRule = (scope, facts) => {
  const { plugin, policyNamespace } = facts;
  if (scope.pod?.isReady || plugin === undefined || plugin === 'absent') return [];
  const isUnlisted = (node: string, name: string) => !facts.nodes.get(node)?.allocatable.has(name);
  return listResources(
    scope,
    facts,
    ({ name, health }, node) =>
      health !== 'Unhealthy' && isUnlisted(node, name) && plugin.pods.get(node)?.isReady === true,
  ).map((found): Cause => {
    const pods = found.nodes.slice(0, 3).flatMap((node) => plugin.pods.get(node)?.name ?? []);
    return {
      code: 'NotRegistered',
      isNote: false,
      ...locateResource(found),
      detail: `the node's state has ${found.resource.name}, but the Node's allocatable does not`,
      fix: {
        text: 'wait 20 seconds; if the resource is still missing, restart the node plugin',
        commands: [kubectl('delete', 'pod', ...pods, '-n', policyNamespace)],
      },
    };
  });
};
