// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { matchNode } from '../plan/match-node.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import type { Cause } from './cause.ts';
import { describeNodes, nameNodes } from './group-nodes.ts';
import { drainingOn, reportedOn } from './node-offers.ts';
import type { Scope, ScopedNetwork } from './scope.ts';
import { kindNames, nameOf } from './subject.ts';
import type { NodeStanding, PodStanding, WhyFacts } from './why-facts.ts';

/** An object on the way, and what holds there: `{ object: 'Node h3', says: 'offers nothing' }`. */
export interface Step {
  readonly object: string;
  readonly says: string;
}

/** The way from the subject to a cause: each object once. */
export function traceSteps(
  { network, resource, policy, nodes }: Cause,
  scope: Scope,
  facts: WhyFacts,
): readonly Step[] {
  const { subject, networks } = scope;
  const steps: Step[] = [subjectStep(scope, facts)];
  const through = networks.find(({ key }) => key === network);
  if (through !== undefined && subject.kind !== 'nad') steps.push(networkStep(through));
  if (policy !== undefined && subject.kind !== 'policy') steps.push(policyStep(policy, resource));
  if (nodes !== undefined && nodes.length > 0 && subject.kind !== 'node') {
    steps.push({ object: nameNodes(nodes), says: nodesSay(nodes, resource, facts) });
  }
  return steps;
}

/** The subject itself, as the first step of every way. */
export function subjectStep({ subject, pod, networks, nodes, policies }: Scope, facts: WhyFacts): Step {
  const object = `${kindNames[subject.kind]} ${nameOf(subject)}`;
  switch (subject.kind) {
    case 'pod':
      return { object, says: pod === undefined ? '' : podSays(pod) };
    case 'nad':
      return { object, says: networks[0] === undefined ? '' : networkStep(networks[0]).says };
    case 'node':
      return { object, says: nodes[0] === undefined ? '' : offersOf(nodes[0], facts) };
    case 'policy':
      return { object, says: policySays(policies[0], nodes) };
  }
}

function policySays(policy: Policy | undefined, nodes: readonly NodeStanding[]): string {
  const selected = nodes
    .filter((node) => policy !== undefined && matchNode(node, policy.nodes))
    .map(({ name }) => name);
  return selected.length === 0 ? 'selects no node' : `selects ${describeNodes(selected)}`;
}

function podSays({ phase, isReady, node, said }: PodStanding): string {
  const where = node === undefined ? 'on no node yet' : `on node ${node}`;
  return `${phase}, ${isReady ? 'Ready, ' : ''}${where}${said === undefined || isReady ? '' : `: ${said}`}`;
}

export function networkStep({ key, exists, facts, resource }: ScopedNetwork): Step {
  const object = `NetworkAttachmentDefinition ${key}`;
  if (!exists) return { object, says: 'does not exist' };
  if (facts === undefined) return { object, says: 'is not of type macvtap' };
  return { object, says: resource === undefined ? 'names no resource' : `names ${resourcePrefix}${resource}` };
}

export function policyStep(policy: string, resource: string | undefined): Step {
  return { object: `MacvtapNetworkNodePolicy ${policy}`, says: resource === undefined ? '' : `offers ${resource}` };
}

function nodesSay([node = '', ...others]: readonly string[], resource: string | undefined, facts: WhyFacts): string {
  if (others.length > 0) return '';
  const standing = facts.nodes.get(node);
  if (standing === undefined) return '';
  if (resource === undefined) return offersOf(standing, facts);
  const held = reportedOn(facts, node, resource)?.held;
  const count = standing.allocatable.get(resource) ?? 0;
  return count === 0
    ? `offers no ${resource}`
    : `has ${count} of ${resource}${held === undefined ? '' : `, ${held} held`}`;
}

/** kubelet counts what drains, too. */
function offersOf({ name: node, allocatable }: NodeStanding, facts: WhyFacts): string {
  const draining = drainingOn(facts, node).map(({ name }) => name);
  const offered = [...allocatable].filter(([name]) => !draining.includes(name));
  const all = offered.map(([name, count]) => `${count} ${name}`);
  if (all.length === 0) return 'offers nothing';
  return `offers ${all.slice(0, 5).join(', ')}${all.length > 5 ? `, and ${all.length - 5} more` : ''}`;
}
