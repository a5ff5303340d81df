// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { Snapshot } from '../../cluster/source.ts';
import type { Holder } from '../../policy/why/why-facts.ts';
import { pluginLabels } from '../view/objects.ts';
import type { ObjectQuery, View } from '../view/view.ts';
import { readHolders } from '../why/read-pod.ts';

/** The facts that a status shows. */
export interface StatusFacts {
  readonly snapshot: Snapshot;
  /** The namespace of policies and of macvtap-cni's config map (the explicit configuration). */
  readonly policyNamespace: string;
  /** The policies as they are stored, with their status. Undefined if they could not be read. */
  readonly policies: readonly ApiObject[] | undefined;
  /** The node plugin's pods. Undefined if they are unknown. */
  readonly pluginPods: readonly ApiObject[] | undefined;
  /**
   * The namespace that was searched for an installation, if it contains neither the node plugin's DaemonSet nor its
   * pods. Absent if one of them exists, or if that is unknown.
   */
  readonly notInstalledIn?: string;
  /**
   * The pods with macvtap devices, by node. Contains only nodes on which pods still hold devices on a former parent or
   * in a former mode.
   */
  readonly holders?: ReadonlyMap<string, readonly Holder[]>;
  /** True if the facts come from files. A webhook does not write the status of policies there. */
  readonly isOfFiles?: boolean;
  /** Whether the Nodes and NodeStates could be read. If not, an object that is missing here may exist. */
  readonly knowsNodes: boolean;
  readonly knowsStates: boolean;
}

/** Returns the lists that a status needs in any case: policies with their status, and the node plugin's pods. */
export function statusQueries(namespace: string): readonly [ObjectQuery, ObjectQuery] {
  return [
    { kind: 'macvtapnetworknodepolicies', namespace },
    { kind: 'pods', namespace, labels: pluginLabels },
  ];
}

/**
 * Reads the facts that a status shows. Files contain no pods of the node plugin, so it is unknown whether the plugin
 * runs.
 */
export async function readStatusFacts(view: View): Promise<StatusFacts> {
  const namespace = view.policyNamespace;
  const [policiesQuery, podsQuery] = statusQueries(namespace);
  const [policies, pluginPods, holders] = await Promise.all([
    view.list(policiesQuery),
    view.client === undefined ? undefined : view.list(podsQuery),
    readHolders(view, nodesWithFormerParents(view)),
  ]);
  const isNotInstalled = pluginPods?.length === 0 && (await hasNoDaemonSet(view));
  return {
    snapshot: view.snapshot,
    policyNamespace: namespace,
    policies,
    pluginPods,
    holders,
    ...(isNotInstalled && { notInstalledIn: namespace }),
    ...(view.client === undefined && { isOfFiles: true }),
    ...knownOf(view),
  };
}

function nodesWithFormerParents({ snapshot }: View): readonly string[] {
  return [...snapshot.nodeStates]
    .filter(([, { status }]) => status?.resources?.some(({ heldElsewhere = [] }) => heldElsewhere.length > 0))
    .map(([name]) => name);
}

async function hasNoDaemonSet(view: View): Promise<boolean> {
  const daemonSets = await view.list({ kind: 'daemonsets', namespace: view.policyNamespace, labels: pluginLabels });
  return daemonSets?.length === 0;
}

function knownOf({ missing }: Pick<View, 'missing'>): Pick<StatusFacts, 'knowsNodes' | 'knowsStates'> {
  const isRead = (kind: string) => !missing.some(({ what }) => what === kind);
  return { knowsNodes: isRead('Nodes'), knowsStates: isRead('MacvtapNetworkNodeStates') };
}
