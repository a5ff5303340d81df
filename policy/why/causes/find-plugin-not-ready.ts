// SPDX-License-Identifier: Apache-2.0
import { matchNode } from '../../plan/match-labels.ts';
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { resourcesOn } from '../node-inventory.ts';
import { groupNodes, untolerated } from '../node-scheduling.ts';
import { suspectNodes } from '../scope.ts';
import { kubectl } from '../suggested-commands.ts';
import type { NodeSummary, PluginPod, PluginSummary } from '../why-facts.ts';

/**
 * Checks that the node plugin's pod on the node is Ready. The pod is also not Ready while it waits for the removal of
 * macvtap-cni's plugin. In this case, it reports UpstreamPluginRunning in the node's state, and another rule reports
 * the cause.
 */
export const findPluginNotReady: CauseRule = (scope, facts) => {
  const { plugin, policyNamespace } = facts;
  if (plugin === undefined || plugin === 'absent') return [];
  const waits = (node: string) => resourcesOn(facts, node).some(({ code }) => code === 'UpstreamPluginRunning');
  const failing = suspectNodes(scope).flatMap((node): readonly FailingPod[] => {
    const pod = plugin.pods.get(node.name);
    if (pod === undefined) {
      const said = `DaemonSet ${policyNamespace}/${plugin.name} has no pod there yet`;
      return isWanted(plugin, node) ? [{ node: node.name, pod, said }] : [];
    }
    return pod.isReady || waits(node.name) ? [] : [{ node: node.name, pod, said: pod.said ?? 'its pod is not Ready' }];
  });
  return groupNodes(failing, ({ pod, said }) => `${pod?.lacksImage} ${said}`).map(
    ({ first, nodes }): Cause => ({
      code: 'PluginNotReady',
      isNote: false,
      nodes,
      detail: first.said,
      fix: fixFor(first.pod, `daemonset/${plugin.name}`, policyNamespace),
    }),
  );
};

interface FailingPod {
  readonly node: string;
  readonly pod: PluginPod | undefined;
  readonly said: string;
}

function isWanted({ selection, tolerations }: PluginSummary, node: NodeSummary): boolean {
  return matchNode(node, selection) && untolerated(node.taints, tolerations).length === 0;
}

/**
 * Returns the fix: without a pod, describe the DaemonSet; if the image cannot be pulled, roll back; otherwise read the
 * log.
 */
function fixFor(pod: PluginPod | undefined, daemonSet: string, namespace: string): Fix {
  if (pod === undefined) {
    return {
      text: 'find out why the DaemonSet does not create it',
      commands: [kubectl('describe', daemonSet, '-n', namespace)],
    };
  }
  if (pod.lacksImage) {
    return {
      text: 'roll back the change of the image, or make the image available to the nodes',
      commands: [kubectl('rollout', 'undo', daemonSet, '-n', namespace)],
    };
  }
  return {
    text: 'fix the error in its log, then restart it',
    commands: [
      kubectl('logs', pod.name, '-n', namespace, '--tail=20'),
      kubectl('delete', 'pod', pod.name, '-n', namespace),
    ],
  };
}
