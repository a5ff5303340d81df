// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { matchNode } from '../plan/match-labels.ts';
import { resourcePrefix } from '../plan/resource.ts';
import type { Cause } from './cause.ts';
import { createScope } from './create-scope.ts';
import { drainingOn, reportedOn } from './node-inventory.ts';
import { describeNodes, nameNodes } from './node-scheduling.ts';
import { rules } from './rules.ts';
import type { Scope, ScopedNetwork } from './scope.ts';
import { kindNames, type NodeSummary, nameOf, type PodSummary, type Subject, type WhyFacts } from './why-facts.ts';

/** A cause, and the steps from the subject to it. */
export interface Explained extends Cause {
  readonly steps: readonly Step[];
}

/** The result of `why`. */
export interface Explanation {
  /** The kind and name of the object, for example `Pod default/vm`. */
  readonly subject: string;
  /** The causes in the order in which to fix them; empty if nothing is wrong. */
  readonly causes: readonly Explained[];
  /** Findings that are harmless but worth knowing. */
  readonly notes: readonly Explained[];
  /** The objects that were checked. */
  readonly checked: readonly Step[];
}

/** Drops StartFailed, which only quotes an event, if there is any other cause. */
function withoutFallback(causes: readonly Cause[]): readonly Cause[] {
  const isExplained = causes.some(({ code, isNote }) => code !== 'StartFailed' && !isNote);
  return isExplained ? causes.filter(({ code }) => code !== 'StartFailed') : causes;
}

/** Finds what is wrong with an object. Returns undefined if the object does not exist. */
export function explain(subject: Subject, facts: WhyFacts): Explanation | undefined {
  const scope = createScope(subject, facts);
  if (scope === undefined) return undefined;
  const found = withoutFallback(rules.flatMap(({ rule }) => rule(scope, facts)));
  const explained = found.map((cause) => ({ ...cause, steps: traceSteps(cause, scope, facts) }));
  return {
    subject: `${kindNames[subject.kind]} ${nameOf(subject)}`,
    causes: explained.filter(({ isNote }) => !isNote),
    notes: explained.filter(({ isNote }) => isNote),
    checked: listChecked(scope, facts),
  };
}

/** An object on the path to a cause, and its state: `{ object: 'Node h3', says: 'offers nothing' }`. */
interface Step {
  readonly object: string;
  readonly says: string;
}

/** Returns the path from the subject to a cause, with each object once. */
function traceSteps({ network, resource, policy, nodes }: Cause, scope: Scope, facts: WhyFacts): readonly Step[] {
  const { subject, networks } = scope;
  const steps: Step[] = [subjectStep(scope, facts)];
  const through = networks.find(({ key }) => key === network);
  if (through !== undefined && subject.kind !== 'nad') steps.push(networkStep(through));
  if (policy !== undefined && subject.kind !== 'policy') steps.push(policyStep(policy, resource));
  if (nodes !== undefined && nodes.length > 0 && subject.kind !== 'node') {
    steps.push({ object: nameNodes(nodes), says: stateOfNodes(nodes, resource, facts) });
  }
  return steps;
}

/** Returns the subject as the first step of every path. */
function subjectStep({ subject, pod, networks, nodes, policies }: Scope, facts: WhyFacts): Step {
  const object = `${kindNames[subject.kind]} ${nameOf(subject)}`;
  switch (subject.kind) {
    case 'pod':
      return { object, says: pod === undefined ? '' : stateOfPod(pod) };
    case 'nad':
      return { object, says: networks[0] === undefined ? '' : networkStep(networks[0]).says };
    case 'node':
      return { object, says: nodes[0] === undefined ? '' : offersOf(nodes[0], facts) };
    case 'policy':
      return { object, says: stateOfPolicy(policies[0], nodes) };
  }
}

function stateOfPolicy(policy: Policy | undefined, nodes: readonly NodeSummary[]): string {
  const selected = nodes
    .filter((node) => policy !== undefined && matchNode(node, policy.nodes))
    .map(({ name }) => name);
  return selected.length === 0 ? 'selects no node' : `selects ${describeNodes(selected)}`;
}

function stateOfPod({ phase, isReady, node, said }: PodSummary): string {
  const where = node === undefined ? 'on no node yet' : `on node ${node}`;
  return `${phase}, ${isReady ? 'Ready, ' : ''}${where}${said === undefined || isReady ? '' : `: ${said}`}`;
}

function networkStep({ key, exists, facts, resource }: ScopedNetwork): Step {
  const object = `NetworkAttachmentDefinition ${key}`;
  if (!exists) return { object, says: 'does not exist' };
  if (facts === undefined) return { object, says: 'is not of type macvtap' };
  return { object, says: resource === undefined ? 'names no resource' : `names ${resourcePrefix}${resource}` };
}

function policyStep(policy: string, resource: string | undefined): Step {
  return { object: `MacvtapNetworkNodePolicy ${policy}`, says: resource === undefined ? '' : `offers ${resource}` };
}

function stateOfNodes(
  [node = '', ...others]: readonly string[],
  resource: string | undefined,
  facts: WhyFacts,
): string {
  if (others.length > 0) return '';
  const summary = facts.nodes.get(node);
  if (summary === undefined) return '';
  if (resource === undefined) return offersOf(summary, facts);
  const held = reportedOn(facts, node, resource)?.held;
  const count = summary.allocatable.get(resource) ?? 0;
  return count === 0
    ? `offers no ${resource}`
    : `has ${count} of ${resource}${held === undefined ? '' : `, ${held} held`}`;
}

/** Describes what a node offers. Omits draining resources, which kubelet still counts. */
function offersOf({ name: node, allocatable }: NodeSummary, facts: WhyFacts): string {
  const draining = new Set(drainingOn(facts, node).map(({ name }) => name));
  const offered = [...allocatable].filter(([name]) => !draining.has(name));
  const all = offered.map(([name, count]) => `${count} ${name}`);
  if (all.length === 0) return 'offers nothing';
  return `offers ${all.slice(0, 5).join(', ')}${all.length > 5 ? `, and ${all.length - 5} more` : ''}`;
}

/** The maximum number of policies in the list. */
const mostPolicies = 10;

/** Returns the objects that were checked. They are printed if nothing is wrong. */
function listChecked(scope: Scope, facts: WhyFacts): readonly Step[] {
  const { subject, networks, policies, nodes } = scope;
  const names = nodes.map(({ name }) => name);
  return [
    subjectStep(scope, facts),
    ...(subject.kind === 'pod' ? networks.map(networkStep) : []),
    ...(subject.kind === 'policy' ? [] : policies.slice(0, mostPolicies).map(({ id }) => policyStep(id, undefined))),
    ...(subject.kind === 'node' || names.length === 0 ? [] : [{ object: nameNodes(names), says: '' }]),
    { object: 'node plugin', says: stateOfPlugin(names, facts) },
    { object: 'webhook', says: stateOfWebhook(facts) },
  ];
}

function stateOfPlugin(nodes: readonly string[], { plugin }: WhyFacts): string {
  if (plugin === undefined) return 'could not be read';
  if (plugin === 'absent') return 'is not installed';
  const ready = nodes.filter((node) => plugin.pods.get(node)?.isReady === true);
  return `is Ready on ${ready.length} of ${nodes.length} node${nodes.length === 1 ? '' : 's'}`;
}

function stateOfWebhook({ webhook, call, authorities, nowMs }: WhyFacts): string {
  if (webhook === undefined) return 'could not be read';
  if (webhook === 'absent') return 'is not installed';
  const days = authorities === undefined ? undefined : Math.floor((Math.max(0, ...authorities) - nowMs) / 86_400_000);
  const certificate = days === undefined ? '' : `, its certificate is valid for ${days} more days`;
  return `${webhook.ready} of ${webhook.replicas} pods are Ready${call === '' ? ', it answers the API server' : ''}${certificate}`;
}
