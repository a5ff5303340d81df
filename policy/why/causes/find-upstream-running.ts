// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { resourcesOn } from '../node-inventory.ts';
import { groupNodes } from '../node-scheduling.ts';
import { kubectl, placeOf } from '../suggested-commands.ts';

/**
 * Checks that macvtap-cni's device plugin does not serve the resource on the node. As long as it does, the node plugin
 * does not register the resource. Otherwise the two plugins would repeatedly take over the resource from each other.
 */
export const findUpstreamRunning: CauseRule = (scope, facts) => {
  const wanted = new Set(scope.demands.map(({ resource }) => resource));
  const found = scope.nodes.flatMap(({ name: node }) =>
    resourcesOn(facts, node)
      .filter(({ code, name, policy }) => {
        const concerns =
          scope.subject.kind === 'node' || wanted.has(name) || scope.policies.some(({ id }) => id === policy);
        return code === 'UpstreamPluginRunning' && concerns;
      })
      .map(({ name: resource }) => ({ node, resource })),
  );
  return groupNodes(found, ({ resource }) => resource).map(
    ({ first: { resource }, nodes }): Cause => ({
      code: 'UpstreamPluginRunning',
      isNote: scope.pod?.isReady === true,
      resource,
      nodes,
      detail: `another device plugin serves ${resource}${facts.upstream.length === 0 ? '' : `: DaemonSet ${facts.upstream.join(', ')}`}`,
      fix: {
        text: "remove macvtap-cni's DaemonSet, or its plugin from the node; kube-macvtap's plugin then registers by itself",
        commands: facts.upstream.map((key) => kubectl('delete', 'daemonset', ...placeOf(key))),
      },
    }),
  );
};
