// SPDX-License-Identifier: Apache-2.0
import { explain } from '../../policy/why/explain.ts';
import { nodesToAsk } from '../../policy/why/nodes-to-ask.ts';
import type { Subject } from '../../policy/why/subject.ts';
import type { PodStanding, WhyFacts } from '../../policy/why/why-facts.ts';
import type { MissingPart, View } from '../view/view.ts';
import { callWebhook } from './call-webhook.ts';
import { findUpstream } from './find-upstream.ts';
import { readHolders } from './read-holders.ts';
import { readInstallation } from './read-installation.ts';
import { readNode } from './read-node.ts';
import { readPod } from './read-pod.ts';
import { readPolicies, readStrays } from './read-policies.ts';

/** The facts, and what could not be read beside what the view tells of itself. */
export interface FactsReading {
  readonly facts: WhyFacts;
  readonly missing: readonly MissingPart[];
}

/** Reads what the walk from a subject needs, and goes on without what may not be read. */
export async function readFacts(view: View, subject: Subject, nowMs: number): Promise<FactsReading> {
  const { snapshot, policyNamespace, client } = view;
  const [nodes, pod, installation, policies, upstream, answer] = await Promise.all([
    view.list({ kind: 'nodes' }),
    podOf(view, subject),
    readInstallation(view),
    readPolicies(view, subject),
    findUpstream(view),
    client === undefined ? { call: undefined } : callWebhook(client, policyNamespace),
  ]);
  const facts: WhyFacts = {
    ...snapshot,
    ...installation,
    policyNamespace,
    nowMs,
    nodes: new Map((nodes ?? []).map((node) => [node.metadata.name, readNode(node)])),
    policies,
    pod,
    upstream,
    call: answer.call,
    holders: new Map(),
    unread: new Set(view.missing.map(({ what }) => what)),
  };
  const [holders, strays] = await Promise.all([
    readHolders(view, nodesToAsk(subject, facts)),
    isOfferedByNobody(subject, facts) ? readStrays(view) : [],
  ]);
  const whole = { ...facts, holders, policies: [...facts.policies, ...strays] };
  return { facts: whole, missing: 'missing' in answer ? [answer.missing] : [] };
}

/** Then a policy may stand in the wrong namespace. */
function isOfferedByNobody(subject: Subject, facts: WhyFacts): boolean {
  return explain(subject, facts)?.causes.some(({ code }) => code === 'ResourceUnknown') === true;
}

async function podOf({ list }: View, subject: Subject): Promise<PodStanding | undefined> {
  if (subject.kind !== 'pod') return undefined;
  const { namespace, name } = subject;
  const [pods, events] = await Promise.all([
    list({ kind: 'pods', namespace, name }),
    list({ kind: 'events', namespace, fields: { 'involvedObject.kind': 'Pod', 'involvedObject.name': name } }),
  ]);
  const [pod] = pods ?? [];
  return pod && readPod(pod, events ?? []);
}
