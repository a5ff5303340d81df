// SPDX-License-Identifier: Apache-2.0
import type { ApiObject } from '../../cluster/api/api-resource.ts';
import type { ApiClient } from '../../cluster/api/client.ts';
import type { Snapshot } from '../../cluster/source.ts';
import { type Policy, readAnyPolicy } from '../../policy/nodepolicy/read-policy.ts';
import { resourcePrefix } from '../../policy/plan/resource.ts';
import { claimKey, claimsNamedBy } from '../../policy/pod/read-claims.ts';
import { parseDeviceCount } from '../../policy/pod/read-pod.ts';
import { nodesToAsk } from '../../policy/why/create-scope.ts';
import { explain } from '../../policy/why/explain.ts';
import type { NodeSummary, Subject, WhyFacts } from '../../policy/why/why-facts.ts';
import { findExposure } from '../shared-flags.ts';
import { mapIn, valueIn } from '../view/objects.ts';
import type { MissingPart, ObjectQuery, View } from '../view/view.ts';
import { callWebhook, findUpstreamPlugins, installationQueries, readInstallation } from './read-installation.ts';
import { readHolders, readPod, readTaints } from './read-pod.ts';

/** The facts about a subject, and the additional parts that could not be read. */
export interface FactsReading {
  readonly facts: WhyFacts;
  readonly missing: readonly MissingPart[];
}

/** The facts that are collected in one way for a cluster and in another way for files. */
interface SourceFacts
  extends Pick<WhyFacts, 'nodes' | 'pod' | 'plugin' | 'webhook' | 'authorities' | 'multusNamespace' | 'call'> {
  readonly snapshot: Snapshot;
  readonly missing: readonly MissingPart[];
}

/** Returns the lists that `readFacts` needs in any case. */
export function factQueries(subject: Subject, policyNamespace: string): readonly ObjectQuery[] {
  const own = isPod(subject) ? Object.values(podQueries(subject)) : [];
  return [nodesQuery, ...own, ...installationQueries(policyNamespace)];
}

const nodesQuery: ObjectQuery = {
  kind: 'nodes',
  // Keeps the fields that readNode reads. The images in the status are most of a Node.
  keep: (node) => ({
    ...node,
    spec: { taints: valueIn(node, 'spec', 'taints') },
    status: { allocatable: valueIn(node, 'status', 'allocatable') },
  }),
};

function podQueries({ namespace, name }: Subject & { readonly kind: 'pod' }) {
  return {
    pods: { kind: 'pods', namespace, name },
    events: { kind: 'events', namespace, fields: { 'involvedObject.kind': 'Pod', 'involvedObject.name': name } },
  } as const;
}

/** Reads the facts that explain a subject, as far as the user's rights or the files allow. */
export async function readFacts(view: View, subject: Subject, nowMs: number): Promise<FactsReading> {
  const { policyNamespace, client } = view;
  const [sourceFacts, policies, upstream] = await Promise.all([
    client === undefined ? readFiles(view, subject) : readCluster(view, client, subject),
    readPolicies(view, subject),
    findUpstreamPlugins(view),
  ]);
  const { snapshot, missing, ...parts } = sourceFacts;
  const facts: WhyFacts = {
    ...snapshot,
    ...parts,
    policyNamespace,
    nowMs,
    policies,
    upstream,
    holders: new Map(),
    unread: new Set(view.missing.map(({ what }) => what)),
  };
  const [holders, strays, draFacts] = await Promise.all([
    // Do not list holders from files: files rarely contain all pods, but the node's count of held devices is complete.
    client === undefined ? facts.holders : readHolders(view, nodesToAsk(subject, facts)),
    isResourceUnknown(subject, facts) ? readStrays(view) : [],
    readDra(view, facts),
  ]);
  // Without strays, keep the list, because everything that depends on the same objects is computed only once.
  const all = strays.length === 0 ? facts.policies : [...facts.policies, ...strays];
  return { facts: { ...facts, ...draFacts, holders, policies: all }, missing };
}

/** Reads the claims that the pod names and, if a node uses dynamic resource allocation, the DeviceClasses. */
async function readDra(
  { list }: View,
  { pod, nodeStates }: WhyFacts,
): Promise<Pick<WhyFacts, 'claims' | 'deviceClasses'>> {
  const isUsed = [...nodeStates.values()].some(({ status }) => status?.allocation === 'DRA');
  const refs = pod === undefined ? [] : claimsNamedBy(pod.object);
  const [classes, ...claims] = await Promise.all([
    isUsed && pod !== undefined ? list({ kind: 'deviceclasses' }) : undefined,
    ...refs.map(async (ref) => {
      const found = await list({ kind: plurals[ref.kind], namespace: pod?.namespace ?? '', name: ref.name });
      return (found ?? []).map((claim) => [claimKey(ref), claim] as const);
    }),
  ]);
  return {
    claims: new Map(claims.flat()),
    ...(classes !== undefined && { deviceClasses: new Set(classes.map(({ metadata }) => metadata.name)) }),
  };
}

const plurals = { ResourceClaim: 'resourceclaims', ResourceClaimTemplate: 'resourceclaimtemplates' } as const;

async function readCluster(view: View, client: ApiClient, subject: Subject): Promise<SourceFacts> {
  const [nodes, pod, installation, answer] = await Promise.all([
    view.list(nodesQuery),
    podOf(view, subject),
    readInstallation(view),
    callWebhook(client, view.policyNamespace),
  ]);
  return {
    snapshot: view.snapshot,
    ...installation,
    nodes: new Map(
      (nodes ?? []).map((node) => [node.metadata.name, withDra(readNode(node), view.snapshot.nodeStates)]),
    ),
    pod: pod && readPod(pod.object, pod.events),
    call: answer.call,
    missing: 'missing' in answer ? [answer.missing] : [],
  };
}

async function readFiles(view: View, subject: Subject): Promise<SourceFacts> {
  // Imported on demand, because a cluster needs no rules of the webhook.
  const { admitPod, admitSnapshot, isMade, listFileGaps } = await import('./read-files.ts');
  const [nodes = [], pod, installation, exposure] = await Promise.all([
    view.list(nodesQuery),
    podOf(view, subject),
    readInstallation(view),
    findExposure({}, view),
  ]);
  const snapshot = admitSnapshot(view.snapshot, exposure);
  return {
    snapshot,
    ...installation,
    nodes: new Map(nodes.map((node) => [node.metadata.name, readNodeOfFiles(node, snapshot.nodeStates)])),
    pod: pod && readPod(admitPod(pod.object, snapshot, installation.multusNamespace), pod.events),
    call: undefined,
    missing: listFileGaps(subject, {
      snapshot: view.snapshot,
      plugin: installation.plugin,
      silent: nodes.filter((node) => !hasAllocatable(node)).map(({ metadata }) => metadata.name),
      isPodMade: pod !== undefined && isMade(pod.object),
      hasEvents: pod !== undefined && pod.events.length > 0,
    }),
  };
}

/**
 * Returns whether the explanation finds a resource that no node and no policy offers. The cause may then be a policy in
 * the wrong namespace.
 */
function isResourceUnknown(subject: Subject, facts: WhyFacts): boolean {
  return explain(subject, facts)?.causes.some(({ code }) => code === 'ResourceUnknown') === true;
}

function isPod(subject: Subject): subject is Subject & { readonly kind: 'pod' } {
  return subject.kind === 'pod';
}

async function podOf({ list }: View, subject: Subject) {
  if (!isPod(subject)) return undefined;
  const queries = podQueries(subject);
  const [pods, events] = await Promise.all([list(queries.pods), list(queries.events)]);
  const [object] = pods ?? [];
  return object && { object, events: events ?? [] };
}

/** Returns the effective policies. If the subject is a policy in another namespace, also returns the policies there. */
async function readPolicies(view: View, subject: Subject): Promise<readonly Policy[]> {
  const { policyNamespace, snapshot } = view;
  const isElsewhere = subject.kind === 'policy' && subject.namespace !== policyNamespace;
  return isElsewhere ? [...snapshot.policies, ...(await readStrays(view, subject.namespace))] : snapshot.policies;
}

/** Reads policies that have no effect because of their namespace: those of one namespace, or of all. */
async function readStrays({ list, policyNamespace }: View, namespace?: string): Promise<readonly Policy[]> {
  const objects = await list({ kind: 'macvtapnetworknodepolicies', ...(namespace !== undefined && { namespace }) });
  return (objects ?? [])
    .filter(({ metadata }) => metadata.namespace !== policyNamespace)
    .map((object) => readAnyPolicy(object, { policyNamespace }));
}

/**
 * Reads a Node with its allocatable macvtap devices. Removed resources, which kubelet still lists with a count of 0,
 * are omitted.
 */
function readNode(node: ApiObject): NodeSummary {
  const counts = Object.entries(mapIn(node, 'status', 'allocatable')).flatMap(([key, quantity]) => {
    const count = key.startsWith(resourcePrefix) ? (parseDeviceCount(quantity) ?? 0) : 0;
    return count === 0 ? [] : [[key.slice(resourcePrefix.length), count] as const];
  });
  const labels = Object.fromEntries(
    Object.entries(mapIn(node, 'metadata', 'labels')).map(([key, value]) => [key, String(value)]),
  );
  return { name: node.metadata.name, labels, allocatable: new Map(counts), taints: readTaints(node) };
}

/** Returns whether a Node has status.allocatable. A Node that was written by hand usually does not. */
function hasAllocatable(node: ApiObject): boolean {
  return valueIn(node, 'status', 'allocatable') !== undefined;
}

/** Reads a Node from files. Without status.allocatable, the resources come from its NodeState. */
function readNodeOfFiles(node: ApiObject, states: Snapshot['nodeStates']): NodeSummary {
  const read = readNode(node);
  return hasAllocatable(node) ? withDra(read, states) : withReported(read, states);
}

/** Returns the node with the resources of its NodeState, if it uses dynamic resource allocation. */
function withDra(node: NodeSummary, states: Snapshot['nodeStates']): NodeSummary {
  return states.get(node.name)?.status?.allocation === 'DRA' ? withReported(node, states) : node;
}

function withReported(node: NodeSummary, states: Snapshot['nodeStates']): NodeSummary {
  const resources = states.get(node.name)?.status?.resources ?? [];
  const usable = resources.filter(({ health, quantity }) => health !== 'Unhealthy' && quantity > 0);
  return { ...node, allocatable: new Map(usable.map(({ name, quantity }) => [name, quantity])) };
}
