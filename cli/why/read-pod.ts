// SPDX-License-Identifier: Apache-2.0
import { type ApiObject, keyOf } from '../../cluster/api/api-resource.ts';
import { type NodeAffinity, readNodeSelection } from '../../policy/nodepolicy/rule.ts';
import type { NodeSelection } from '../../policy/plan/match-labels.ts';
import { resourcesOfPod } from '../../policy/pod/count-demand.ts';
import type { Holder, PodSummary, Taint, Toleration } from '../../policy/why/why-facts.ts';
import { conditionIn, conditionStatus, listIn, mapIn, textIn, valueIn } from '../view/objects.ts';
import type { View } from '../view/view.ts';

/** The maximum number of characters of a message. Messages of the scheduler can fill a page. */
const longestText = 300;

/**
 * kubelet's warnings that do not prevent a pod from running. Source: kubernetes pkg/kubelet/kubelet_pods.go,
 * pkg/kubelet/network/dns/dns.go.
 */
const harmless: ReadonlySet<string> = new Set(['MissingClusterDNS', 'DNSConfigForming']);

/** Reads the facts of a pod, including the message that explains its state. */
export function readPod(pod: ApiObject, events: readonly ApiObject[]): PodSummary {
  const { name, namespace = 'default', uid } = pod.metadata;
  const own = events.filter((event) => textIn(event, 'involvedObject', 'uid') === uid);
  const owners = listIn(pod, 'metadata', 'ownerReferences');
  const owner = owners.find((one) => valueIn(one, 'controller') === true);
  return {
    object: pod,
    namespace,
    name,
    phase: textIn(pod, 'status', 'phase') ?? 'Unknown',
    isReady: conditionStatus(pod, 'Ready') === 'True',
    node: textIn(pod, 'spec', 'nodeName'),
    said: shortened(saidOf(pod, own)),
    hasLostLink: own.some((event) => textIn(event, 'reason') === 'AttachmentLost'),
    hasLoweredMTU: own.some((event) => textIn(event, 'reason') === 'MtuLowered'),
    ...readScheduling(valueIn(pod, 'spec')),
    owner: owner === undefined ? undefined : { kind: textIn(owner, 'kind') ?? '', name: textIn(owner, 'name') ?? '' },
  };
}

/**
 * Returns the message that explains the state of the pod. If the pod is not scheduled, that is the message of the
 * scheduler. Otherwise, it is the message in the pod's status, or, if that is missing, the message of the newest
 * warning.
 */
function saidOf(pod: ApiObject, events: readonly ApiObject[]): string | undefined {
  const isUnscheduled = conditionStatus(pod, 'PodScheduled') === 'False';
  if (isUnscheduled) return textIn(conditionIn(pod, 'PodScheduled'), 'message');
  const warnings = events.filter(
    (event) => textIn(event, 'type') === 'Warning' && !harmless.has(textIn(event, 'reason') ?? ''),
  );
  const newest = warnings.toSorted((left, right) => timeOf(right).localeCompare(timeOf(left)))[0];
  return textIn(pod, 'status', 'message') ?? (newest === undefined ? undefined : textIn(newest, 'message'));
}

/** Returns the time of an event in RFC 3339 and UTC, so that the texts sort in the order of time. */
function timeOf(event: ApiObject): string {
  return (
    textIn(event, 'series', 'lastObservedTime') ?? textIn(event, 'lastTimestamp') ?? textIn(event, 'eventTime') ?? ''
  );
}

function shortened(text: string | undefined): string | undefined {
  const line = text?.replaceAll(/\s+/g, ' ').trim();
  return line !== undefined && line.length > longestText ? `${line.slice(0, longestText).toWellFormed()}…` : line;
}

/** Reads the node requirements in the spec of a pod: selector, required affinity and tolerations. */
export function readScheduling(spec: unknown): {
  readonly selection: NodeSelection;
  readonly tolerations: readonly Toleration[];
} {
  const required = valueIn(spec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const selection = readNodeSelection({
    parentSelector: [],
    nodeSelector: { matchLabels: mapIn(spec, 'nodeSelector') },
    ...(required !== undefined && required !== null && { nodeAffinity: required as NodeAffinity }),
  });
  const tolerations = listIn(spec, 'tolerations').map((one) => ({
    key: textIn(one, 'key'),
    operator: textIn(one, 'operator'),
    value: textIn(one, 'value'),
    effect: textIn(one, 'effect'),
  }));
  return { selection, tolerations };
}

/** Reads the taints of a Node. */
export function readTaints(node: unknown): readonly Taint[] {
  return listIn(node, 'spec', 'taints').map((one) => ({
    key: textIn(one, 'key') ?? '',
    value: textIn(one, 'value'),
    effect: textIn(one, 'effect') ?? '',
  }));
}

/** The maximum number of nodes whose pods are listed. For the others, the node's count of held devices suffices. */
const mostNodes = 20;

/**
 * Lists the pods with macvtap devices on at most `mostNodes` nodes, according to the requests of the pods. Pods that
 * have ended are ignored.
 */
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
