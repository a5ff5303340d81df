// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import { wantedFrom } from '../../cluster/cluster-flags.ts';
import { applyEdits } from '../../cluster/objects/read-object.ts';
import { buildNodeState } from '../../cluster/report/node-plugin/build-node-state.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { readNode } from '../../policy/blast/blast-radius.ts';
import { compareNatural } from '../../policy/names.ts';
import { collectOffers } from '../../policy/offers/offers-index.ts';
import { type ImplicitExposure, tryPlan } from '../../policy/plan/plan-node.ts';
import { injectPod } from '../../policy/pod/inject-pod.ts';
import type { PodObject } from '../../policy/pod/read-pod.ts';
import { nameSome } from '../../policy/why/node-scheduling.ts';
import type { Subject, WhyFacts } from '../../policy/why/why-facts.ts';
import { applyNetworkDefaults } from '../lint/judge-object.ts';
import type { MissingPart } from '../view/view.ts';

/** Converts files to the cluster that they would create: networks get defaults, and node states get resources. */
export function admitSnapshot(snapshot: Snapshot, exposure: ImplicitExposure | undefined): Snapshot {
  const nodeStates = assumeStates(snapshot, exposure);
  const offers = collectOffers({ ...snapshot, nodeStates });
  return { ...snapshot, nodeStates, networks: applyNetworkDefaults(snapshot, { offers, unknownResource: 'Deny' }) };
}

/**
 * Adds the devices that the webhook would add to a pod. A pod with a status was already created, so it is returned
 * unchanged.
 */
export function admitPod(pod: ApiObject, snapshot: Snapshot, multusNamespace: string): ApiObject {
  if (isMade(pod)) return pod;
  const namespace = pod.metadata.namespace ?? 'default';
  const object = { ...pod, metadata: { ...pod.metadata, namespace } };
  const { networks, namespaces } = snapshot;
  const namespaceLabels = namespaces.get(namespace);
  const facts = { offers: collectOffers(snapshot), namespace, namespaceLabels, networks, multusNamespace };
  const { edits } = injectPod(object as unknown as PodObject, facts);
  return { ...applyEdits(object, edits), status: { phase: 'Not made yet' } };
}

export function isMade({ status }: ApiObject): boolean {
  return status !== undefined;
}

/**
 * Adds planned resources to node states that were written by hand, which have only interfaces. Each of their nodes is
 * assumed to expose its plan.
 */
function assumeStates(snapshot: Snapshot, exposure: ImplicitExposure | undefined): Snapshot['nodeStates'] {
  return new Map(
    [...snapshot.nodeStates].map(([name, state]) => {
      const node = snapshot.nodes.get(name);
      if (node === undefined || state.status?.resources !== undefined) return [name, state];
      const reached = readNode(node, state);
      if (reached === undefined) return [name, state];
      const { interfaces } = reached;
      const plan = tryPlan(node, interfaces, wantedFrom(snapshot, exposure));
      if ('failure' in plan) return [name, state];
      const served = plan.resources.map((resource) => ({ resource }));
      const { policies } = snapshot;
      const built = buildNodeState({ node, plan, served, interfaces, exposure, policies, pluginVersion: '' });
      return [name, { ...state, status: { ...state.status, source: plan.source, resources: built.resources ?? [] } }];
    }),
  );
}

/** The facts that the files contain. */
export interface FileFacts {
  /** The objects as they are in the files, without assumptions. */
  readonly snapshot: Snapshot;
  readonly plugin: WhyFacts['plugin'];
  /** Nodes without status.allocatable. */
  readonly silent: readonly string[];
  /** If the subject is a pod: whether the pod was ever created, and whether the files contain events of it. */
  readonly isPodMade: boolean;
  readonly hasEvents: boolean;
}

/**
 * Lists the facts about a subject that the files do not contain, so that a reader does not assume that everything was
 * checked.
 */
export function listFileGaps(subject: Subject, facts: FileFacts): readonly MissingPart[] {
  const { snapshot, plugin, silent } = facts;
  const blind = [...snapshot.nodes.keys()]
    .filter((name) => snapshot.nodeStates.get(name)?.status?.interfaces === undefined)
    .sort(compareNatural);
  return [
    part('webhook', 'files cannot show whether it answers'),
    ...(plugin === undefined ? [part('node plugin', 'its DaemonSet and pods are not in the files')] : []),
    ...(silent.length === 0
      ? []
      : [
          part(
            'status.allocatable',
            `not in Node ${nameSome(silent)}: assumed from the node's state, or else from its plan`,
          ),
        ]),
    ...(blind.length === 0 ? [] : [part('interfaces', `no MacvtapNetworkNodeState lists those of ${nameSome(blind)}`)]),
    ...podGaps(subject, facts),
    ...namespaceGaps(subject, snapshot),
  ];
}

function podGaps({ kind }: Subject, { isPodMade, hasEvents }: FileFacts): readonly MissingPart[] {
  if (kind !== 'pod') return [];
  if (!isPodMade) return [part('status of the pod', 'none: the pod is explained as the webhook would create it')];
  return hasEvents ? [] : [part('Events', 'the files have none of the pod')];
}

function namespaceGaps(subject: Subject, { namespaces, policies }: Snapshot): readonly MissingPart[] {
  if (subject.kind === 'node' || subject.kind === 'policy' || namespaces.has(subject.namespace)) return [];
  if (policies.every((policy) => policy.namespaces.length === 0)) return [];
  return [part(`Namespace ${subject.namespace}`, 'not in the files, so it is unknown which policies admit it')];
}

function part(what: string, message: string): MissingPart {
  return { what, message };
}
