// SPDX-License-Identifier: Apache-2.0
import { pluginLabels } from '../view/plugin-labels.ts';
import type { View } from '../view/view.ts';
import type { StatusFacts } from './build-status.ts';

/** Everything that a status rests on. Files have no pods: of nodes in them nobody knows whether a plugin runs. */
export async function readStatusFacts(view: View): Promise<StatusFacts> {
  const namespace = view.policyNamespace;
  const [policies, pluginPods] = await Promise.all([
    view.list({ kind: 'macvtapnetworknodepolicies', namespace }),
    view.client === undefined ? undefined : view.list({ kind: 'pods', namespace, labels: pluginLabels }),
  ]);
  return {
    snapshot: view.snapshot,
    policies,
    pluginPods,
    ...(view.client === undefined && { isOfFiles: true }),
    ...knownOf(view),
  };
}

function knownOf({ missing }: Pick<View, 'missing'>): Pick<StatusFacts, 'knowsNodes' | 'knowsStates'> {
  const isRead = (kind: string) => !missing.some(({ what }) => what === kind);
  return { knowsNodes: isRead('Nodes'), knowsStates: isRead('MacvtapNetworkNodeStates') };
}
