// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { groupNodes } from './group-nodes.ts';
import { kubectl, placeOf } from './kubectl.ts';
import { resourcesOn } from './node-offers.ts';

/** macvtap-cni's device plugin is gone from the node: two plugins of one resource would take it from each other for ever. */
export const findUpstreamRunning: CauseRule = (scope, facts) => {
  const wanted = new Set(scope.demands.map(({ resource }) => resource));
  const beside = scope.nodes.flatMap(({ name: node }) =>
    resourcesOn(facts, node)
      .filter(({ code, name, policy }) => {
        const concerns =
          scope.subject.kind === 'node' || wanted.has(name) || scope.policies.some(({ id }) => id === policy);
        return code === 'UpstreamPluginRunning' && concerns;
      })
      .map(({ name: resource }) => ({ node, resource })),
  );
  return groupNodes(beside, ({ resource }) => resource).map(
    ({ first: { resource }, nodes }): Cause => ({
      code: 'UpstreamPluginRunning',
      isNote: scope.pod?.isReady === true,
      resource,
      nodes,
      detail: `another device plugin serves ${resource}${facts.upstream.length === 0 ? '' : `: DaemonSet ${facts.upstream.join(', ')}`}`,
      fix: {
        text: "remove macvtap-cni's DaemonSet, or its plugin from the node; ours then registers by itself",
        commands: facts.upstream.map((key) => kubectl('delete', 'daemonset', ...placeOf(key))),
      },
    }),
  );
};
