// SPDX-License-Identifier: Apache-2.0
import { type ApiObject, keyOf } from '../../cluster/api/api-object.ts';
import type { View } from '../view/view.ts';
import { listIn, textIn } from './fields.ts';

/** DaemonSets that run macvtap-cni, by name or image; looked for only where a node says that its plugin runs. */
export async function findUpstream(view: Pick<View, 'list' | 'snapshot'>): Promise<readonly string[]> {
  const states = [...view.snapshot.nodeStates.values()];
  const isRunning = states.some(({ status }) =>
    status?.resources?.some(({ code }) => code === 'UpstreamPluginRunning'),
  );
  if (!isRunning) return [];
  const daemonSets = (await view.list({ kind: 'daemonsets' })) ?? [];
  return daemonSets.filter(isUpstream).map(keyOf);
}

function isUpstream(daemonSet: ApiObject): boolean {
  const containers = listIn(daemonSet, 'spec', 'template', 'spec', 'containers');
  return [daemonSet.metadata.name, ...containers.map((one) => textIn(one, 'image') ?? '')].some((text) =>
    text.includes('macvtap-cni'),
  );
}
