// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-object.ts';
import { isRecord } from '../../cluster/objects/known-object.ts';
import type { PodStanding } from '../../policy/why/why-facts.ts';
import { listIn, textIn, valueIn } from './fields.ts';
import { readScheduling } from './read-scheduling.ts';

/** A message of a failing scheduler or runtime can be a page. */
const longestText = 300;

/** A pod with its newest events. */
export function readPod(pod: ApiObject, events: readonly ApiObject[]): PodStanding {
  const { name, namespace = 'default', uid } = pod.metadata;
  const own = events.filter((event) => textIn(event, 'involvedObject', 'uid') === uid);
  const owners = listIn(pod, 'metadata', 'ownerReferences');
  const owner = owners.find((one) => valueIn(one, 'controller') === true);
  return {
    object: pod,
    namespace,
    name,
    phase: textIn(pod, 'status', 'phase') ?? 'Unknown',
    isReady: conditionOf(pod, 'Ready')?.status === 'True',
    node: textIn(pod, 'spec', 'nodeName'),
    said: shortened(saidOf(pod, own)),
    hasLostLink: own.some((event) => textIn(event, 'reason') === 'AttachmentLost'),
    ...readScheduling(valueIn(pod, 'spec')),
    owner: owner === undefined ? undefined : { kind: textIn(owner, 'kind') ?? '', name: textIn(owner, 'name') ?? '' },
  };
}

/** The scheduler's word while there is no node, then what failed last, then what the pod ended with. */
function saidOf(pod: ApiObject, events: readonly ApiObject[]): string | undefined {
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') return textIn(scheduled, 'message');
  const warnings = events.filter((event) => textIn(event, 'type') === 'Warning');
  const newest = warnings.toSorted((left, right) => timeOf(right).localeCompare(timeOf(left)))[0];
  return textIn(pod, 'status', 'message') ?? (newest === undefined ? undefined : textIn(newest, 'message'));
}

/** RFC 3339 in UTC, so that texts compare as times do. */
function timeOf(event: ApiObject): string {
  return (
    textIn(event, 'series', 'lastObservedTime') ?? textIn(event, 'lastTimestamp') ?? textIn(event, 'eventTime') ?? ''
  );
}

function conditionOf(pod: ApiObject, type: string): Record<string, unknown> | undefined {
  return listIn(pod, 'status', 'conditions')
    .filter(isRecord)
    .find((condition) => condition.type === type);
}

function shortened(text: string | undefined): string | undefined {
  const line = text?.replaceAll(/\s+/g, ' ').trim();
  return line !== undefined && line.length > longestText ? `${line.slice(0, longestText).toWellFormed()}…` : line;
}
