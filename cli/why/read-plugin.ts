// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import type { PluginPod, PluginStanding } from '../../policy/why/why-facts.ts';
import { listIn, textIn, valueIn } from './fields.ts';
import { readScheduling } from './read-scheduling.ts';

/** Reasons of a container that waits for an image. Source: kubernetes pkg/kubelet/images/types.go. */
const imageReasons: readonly string[] = [
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
];

/** The node plugin's DaemonSet with its pods; of two on a node, as in a roll-out, the one that is not being deleted. */
export function readPlugin(daemonSet: ApiObject, pods: readonly ApiObject[]): PluginStanding {
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const placed = staying.flatMap((pod) => {
    const node = textIn(pod, 'spec', 'nodeName');
    return node === undefined ? [] : [[node, readPluginPod(pod)] as const];
  });
  return { ...readScheduling(valueIn(daemonSet, 'spec', 'template', 'spec')), pods: new Map(placed) };
}

function readPluginPod(pod: ApiObject): PluginPod {
  const conditions = listIn(pod, 'status', 'conditions');
  const ready = conditions.find((condition) => textIn(condition, 'type') === 'Ready');
  const [container] = listIn(pod, 'status', 'containerStatuses');
  const waiting = textIn(container, 'state', 'waiting', 'reason');
  const ended = textIn(container, 'lastState', 'terminated', 'message')?.trim().split('\n').at(-1);
  const said = [waiting, ended ?? textIn(container, 'state', 'waiting', 'message')].filter(Boolean).join(': ');
  return {
    name: pod.metadata.name,
    isReady: textIn(ready, 'status') === 'True',
    said: said === '' ? undefined : said.slice(0, 300).toWellFormed(),
    lacksImage: waiting !== undefined && imageReasons.includes(waiting),
  };
}
