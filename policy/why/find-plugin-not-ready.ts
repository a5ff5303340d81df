// SPDX-License-Identifier: Apache-2.0
import { matchNode } from '../plan/match-node.ts';
import type { Cause, CauseRule, Fix } from './cause.ts';
import { groupNodes } from './group-nodes.ts';
import { kubectl } from './kubectl.ts';
import { nodesAtFault } from './lacks-of.ts';
import { resourcesOn } from './node-offers.ts';
import { untolerated } from './tolerates.ts';
import type { NodeStanding, PluginPod, PluginStanding } from './why-facts.ts';

/**
 * The node plugin's pod on the node runs and is Ready. One that waits for macvtap-cni's plugin to go says so in the node's
 * state, and is not at fault.
 */
export const findPluginNotReady: CauseRule = (scope, facts) => {
  const { plugin, policyNamespace } = facts;
  if (plugin === undefined || plugin === 'absent') return [];
  const waits = (node: string) => resourcesOn(facts, node).some(({ code }) => code === 'UpstreamPluginRunning');
  const faulty = nodesAtFault(scope).flatMap((node): readonly Faulty[] => {
    const pod = plugin.pods.get(node.name);
    if (pod === undefined) {
      const said = `DaemonSet ${policyNamespace}/kube-macvtap-nodeplugin has no pod there yet`;
      return isWanted(plugin, node) ? [{ node: node.name, pod, said }] : [];
    }
    return pod.isReady || waits(node.name) ? [] : [{ node: node.name, pod, said: pod.said ?? 'its pod is not Ready' }];
  });
  return groupNodes(faulty, ({ pod, said }) => `${pod?.lacksImage} ${said}`).map(
    ({ first, nodes }): Cause => ({
      code: 'PluginNotReady',
      isNote: false,
      nodes,
      detail: first.said,
      fix: fixFor(first.pod, policyNamespace),
    }),
  );
};

interface Faulty {
  readonly node: string;
  readonly pod: PluginPod | undefined;
  readonly said: string;
}

function isWanted({ selection, tolerations }: PluginStanding, node: NodeStanding): boolean {
  return matchNode(node, selection) && untolerated(node.taints, tolerations).length === 0;
}

/** An image that cannot be had came with the last change of the DaemonSet. What else ends it, its log tells. */
function fixFor(pod: PluginPod | undefined, namespace: string): Fix {
  const daemonSet = 'daemonset/kube-macvtap-nodeplugin';
  if (pod === undefined) {
    return {
      text: 'see why it is not made',
      commands: [kubectl('describe', daemonSet, '-n', namespace)],
    };
  }
  if (pod.lacksImage) {
    return {
      text: 'take back the change that named an image which cannot be had, or make the image available to the nodes',
      commands: [kubectl('rollout', 'undo', daemonSet, '-n', namespace)],
    };
  }
  return {
    text: 'read its log, mend what that says, and start it anew',
    commands: [
      kubectl('logs', pod.name, '-n', namespace, '--tail=20'),
      kubectl('delete', 'pod', pod.name, '-n', namespace),
    ],
  };
}
