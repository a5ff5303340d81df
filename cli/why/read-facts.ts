// SPDX-License-Identifier: Apache-2.0
import type { ApiClient } from '../../cluster/api/client.ts';
import type { Snapshot } from '../../cluster/snapshot.ts';
import { explain } from '../../policy/why/explain.ts';
import { nodesToAsk } from '../../policy/why/nodes-to-ask.ts';
import type { Subject } from '../../policy/why/subject.ts';
import type { WhyFacts } from '../../policy/why/why-facts.ts';
import { findExposure } from '../plan/exposure.ts';
import type { MissingPart, View } from '../view/view.ts';
import { admitPod, admitSnapshot, isMade } from './admit-files.ts';
import { callWebhook } from './call-webhook.ts';
import { findUpstream } from './find-upstream.ts';
import { readHolders } from './read-holders.ts';
import { readInstallation } from './read-installation.ts';
import { readNode, readNodeOfFiles, tellsAllocatable } from './read-node.ts';
import { readPod } from './read-pod.ts';
import { readPolicies, readStrays } from './read-policies.ts';
import { tellFileGaps } from './tell-file-gaps.ts';

/** The facts, and what could not be read beside what the view tells of itself. */
export interface FactsReading {
  readonly facts: WhyFacts;
  readonly missing: readonly MissingPart[];
}

/** What a cluster and files are read for in different ways. */
interface Ground extends Pick<WhyFacts, 'nodes' | 'pod' | 'plugin' | 'webhook' | 'authorities' | 'call'> {
  readonly snapshot: Snapshot;
  readonly missing: readonly MissingPart[];
}

/** Reads what the walk from a subject needs, and goes on without what may not be read, or is not among files. */
export async function readFacts(view: View, subject: Subject, nowMs: number): Promise<FactsReading> {
  const { policyNamespace, client } = view;
  const [ground, policies, upstream] = await Promise.all([
    client === undefined ? readFiles(view, subject) : readCluster(view, client, subject),
    readPolicies(view, subject),
    findUpstream(view),
  ]);
  const { snapshot, missing, ...standings } = ground;
  const facts: WhyFacts = {
    ...snapshot,
    ...standings,
    policyNamespace,
    nowMs,
    policies,
    upstream,
    holders: new Map(),
    unread: new Set(view.missing.map(({ what }) => what)),
  };
  const [holders, strays] = await Promise.all([
    // Files hold some pods at best, where a node's own count has all.
    client === undefined ? facts.holders : readHolders(view, nodesToAsk(subject, facts)),
    isOfferedByNobody(subject, facts) ? readStrays(view) : [],
  ]);
  return { facts: { ...facts, holders, policies: [...facts.policies, ...strays] }, missing };
}

async function readCluster(view: View, client: ApiClient, subject: Subject): Promise<Ground> {
  const [nodes, pod, installation, answer] = await Promise.all([
    view.list({ kind: 'nodes' }),
    podOf(view, subject),
    readInstallation(view),
    callWebhook(client, view.policyNamespace),
  ]);
  return {
    snapshot: view.snapshot,
    ...installation,
    nodes: new Map((nodes ?? []).map((node) => [node.metadata.name, readNode(node)])),
    pod: pod && readPod(pod.object, pod.events),
    call: answer.call,
    missing: 'missing' in answer ? [answer.missing] : [],
  };
}

async function readFiles(view: View, subject: Subject): Promise<Ground> {
  const [nodes = [], pod, installation, exposure] = await Promise.all([
    view.list({ kind: 'nodes' }),
    podOf(view, subject),
    readInstallation(view),
    findExposure({}, view),
  ]);
  const snapshot = admitSnapshot(view.snapshot, exposure);
  return {
    snapshot,
    ...installation,
    nodes: new Map(nodes.map((node) => [node.metadata.name, readNodeOfFiles(node, snapshot.nodeStates)])),
    pod: pod && readPod(admitPod(pod.object, snapshot), pod.events),
    call: undefined,
    missing: tellFileGaps(subject, {
      snapshot: view.snapshot,
      plugin: installation.plugin,
      silent: nodes.filter((node) => !tellsAllocatable(node)).map(({ metadata }) => metadata.name),
      isPodMade: pod !== undefined && isMade(pod.object),
      hasEvents: pod !== undefined && pod.events.length > 0,
    }),
  };
}

/** Then a policy may stand in the wrong namespace. */
function isOfferedByNobody(subject: Subject, facts: WhyFacts): boolean {
  return explain(subject, facts)?.causes.some(({ code }) => code === 'ResourceUnknown') === true;
}

async function podOf({ list }: View, subject: Subject) {
  if (subject.kind !== 'pod') return undefined;
  const { namespace, name } = subject;
  const [pods, events] = await Promise.all([
    list({ kind: 'pods', namespace, name }),
    list({ kind: 'events', namespace, fields: { 'involvedObject.kind': 'Pod', 'involvedObject.name': name } }),
  ]);
  const [object] = pods ?? [];
  return object && { object, events: events ?? [] };
}
