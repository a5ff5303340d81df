// SPDX-License-Identifier: Apache-2.0
import { keyOf } from '../../cluster/api/api-object.ts';
import { resourcesOfPod } from '../../policy/pod/count-demand.ts';
import type { Holder } from '../../policy/why/why-facts.ts';
import type { View } from '../view/view.ts';
import { textIn } from './fields.ts';

/** So many nodes are asked for their pods; of the others their own count is as good. */
const mostNodes = 20;

/** What pods hold of ours on some nodes: those that have not ended, by what they ask for. */
export async function readHolders(
  view: Pick<View, 'list'>,
  nodes: readonly string[],
): Promise<ReadonlyMap<string, readonly Holder[]>> {
  const lists = nodes.slice(0, mostNodes).map(async (node) => {
    const pods = await view.list({ kind: 'pods', fields: { 'spec.nodeName': node } });
    return pods === undefined ? [] : [[node, holdersAmong(pods)] as const];
  });
  return new Map((await Promise.all(lists)).flat());
}

function holdersAmong(pods: NonNullable<Awaited<ReturnType<View['list']>>>): readonly Holder[] {
  return pods
    .filter((pod) => !['Succeeded', 'Failed'].includes(textIn(pod, 'status', 'phase') ?? ''))
    .map((pod) => ({ pod: keyOf(pod), devices: resourcesOfPod(pod, new Map()) }))
    .filter(({ devices }) => devices.size > 0);
}
