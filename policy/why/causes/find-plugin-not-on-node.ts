// SPDX-License-Identifier: Apache-2.0
import { describeRequirements } from '../../offers/policies-governing.ts';
import { matchNode } from '../../plan/match-labels.ts';
import type { Cause, CauseRule } from '../cause.ts';
import { groupNodes, labelNodes, nodeArguments, unmetRequirements, untolerated } from '../node-scheduling.ts';
import { suspectNodes } from '../scope.ts';
import { kubectl } from '../suggested-commands.ts';
import type { Taint } from '../why-facts.ts';

/** Checks that the node plugin's DaemonSet selects the node and tolerates its taints. */
export const findPluginNotOnNode: CauseRule = (scope, { plugin, nodes }) => {
  if (plugin === undefined || plugin === 'absent') return [];
  const absent = suspectNodes(scope).filter(({ name }) => !plugin.pods.has(name));
  const left = absent.flatMap((node) => {
    const taints = untolerated(node.taints, plugin.tolerations).filter(({ key }) => !isTransient(key));
    const selects = matchNode(node, plugin.selection);
    if (selects && taints.length === 0) return [];
    const labels = selects ? [] : unmetRequirements(node, plugin.selection.labels);
    return [{ node: node.name, taints, labels, selects }];
  });
  const groups = groupNodes(left, (each) => JSON.stringify([each.taints, each.labels, each.selects]));
  return groups.map(({ first: { taints, labels, selects }, nodes: names }): Cause => {
    const why = [
      ...(labels.length > 0 ? [`its node selector requires ${describeRequirements(labels)}`] : []),
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
            ? 'let the node plugin run on the node'
            : "change node.nodeSelector or node.affinity in the chart's values",
        commands: [
          ...(command === undefined ? [] : [command]),
          ...taints.map((taint) => kubectl('taint', 'node', ...nodeArguments(names), `${taintText(taint)}-`)),
        ],
      },
    };
  });
};

/** Returns a taint as kubectl writes it: `dedicated=db:NoSchedule`. */
function taintText({ key, value, effect }: Taint): string {
  return `${key}${value === undefined || value === '' ? '' : `=${value}`}:${effect}`;
}

/**
 * Returns whether Kubernetes itself sets the taint. DaemonSets tolerate these taints. Source: kubernetes
 * pkg/controller/daemon/util AddOrUpdateDaemonPodTolerations.
 */
function isTransient(key: string): boolean {
  return key.startsWith('node.kubernetes.io/');
}
