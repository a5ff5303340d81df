// SPDX-License-Identifier: Apache-2.0
import { describeRequirements } from '../offers/describe-requirements.ts';
import { matchNode } from '../plan/match-node.ts';
import type { Cause, CauseRule } from './cause.ts';
import { groupNodes, nodeArguments } from './group-nodes.ts';
import { kubectl } from './kubectl.ts';
import { labelNodes, unmet } from './label-nodes.ts';
import { nodesAtFault } from './lacks-of.ts';
import { untolerated } from './tolerates.ts';
import type { Taint } from './why-facts.ts';

/** The node plugin's DaemonSet wants a pod on the node: by its node selector and affinity, and past the node's taints. */
export const findPluginNotOnNode: CauseRule = (scope, { plugin, nodes }) => {
  if (plugin === undefined || plugin === 'absent') return [];
  const absent = nodesAtFault(scope).filter(({ name }) => !plugin.pods.has(name));
  const left = absent.flatMap((node) => {
    const taints = untolerated(node.taints, plugin.tolerations).filter(({ key }) => !isTransient(key));
    const selects = matchNode(node, plugin.selection);
    if (selects && taints.length === 0) return [];
    const labels = selects ? [] : unmet(node, plugin.selection.labels);
    return [{ node: node.name, taints, labels, selects }];
  });
  const groups = groupNodes(left, (each) => JSON.stringify([each.taints, each.labels, each.selects]));
  return groups.map(({ first: { taints, labels, selects }, nodes: names }): Cause => {
    const why = [
      ...(labels.length > 0 ? [`its node selector asks for ${describeRequirements(labels)}`] : []),
      ...(selects || labels.length > 0 ? [] : ['its node affinity leaves it out']),
      ...taints.map((taint) => `it does not tolerate the taint ${taintText(taint)}`),
    ];
    const command = labels.length === 0 ? undefined : labelNodes(names, labels, nodes);
    return {
      code: 'PluginNotOnNode',
      isNote: false,
      nodes: names,
      detail: why.join(', and '),
      fix: {
        text:
          selects || command !== undefined
            ? 'let it run there'
            : "change node.nodeSelector or node.affinity in the chart's values",
        commands: [
          ...(command === undefined ? [] : [command]),
          ...taints.map((taint) => kubectl('taint', 'node', ...nodeArguments(names), `${taintText(taint)}-`)),
        ],
      },
    };
  });
};

/** `dedicated=db:NoSchedule` */
function taintText({ key, value, effect }: Taint): string {
  return `${key}${value === undefined || value === '' ? '' : `=${value}`}:${effect}`;
}

/** What Kubernetes sets itself its DaemonSets tolerate. Source: kubernetes pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations. */
function isTransient(key: string): boolean {
  return key.startsWith('node.kubernetes.io/');
}
