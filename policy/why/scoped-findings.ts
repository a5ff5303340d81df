// SPDX-License-Identifier: Apache-2.0
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import type { Finding } from '../plan/node-plan.ts';
import type { ReasonCode } from '../reasons.ts';
import { isOffered, isServedOn, reportedOn, resourcesOn, type WantedResource } from './node-inventory.ts';
import { groupNodes } from './node-scheduling.ts';
import type { Scope } from './scope.ts';
import type { Holder, NodeSummary, WhyFacts } from './why-facts.ts';

/** A finding about an entry in the plans of nodes, together with all nodes that have this finding. */
export interface EntryFinding {
  readonly finding: Finding;
  readonly policy: Policy;
  readonly entry: PolicyEntry;
  /** The resource without the prefix; undefined if a selector without a resource name finds nothing. */
  readonly resource: string | undefined;
  readonly network: string | undefined;
  readonly nodes: readonly string[];
  /** Whether the finding may explain a shortage. */
  readonly isShort: boolean;
}

/**
 * Returns the findings with these codes. For pods and networks, only findings that explain a shortage are returned; for
 * nodes and policies, all of them.
 */
export function listFindings(scope: Scope, facts: WhyFacts, codes: readonly ReasonCode[]): readonly EntryFinding[] {
  const { subject, policies, nodes, planOf, shortages } = scope;
  const byID = new Map(policies.map((policy) => [policy.id, policy]));
  const short = Map.groupBy(
    shortages.map((shortage) => ({ shortage, names: new Set(shortage.nodes.map(({ name }) => name)) })),
    ({ shortage }) => shortage.resource,
  );
  const shortageOf = (resource: string | undefined, node: string) =>
    [...(short.get(resource) ?? []), ...(short.get(undefined) ?? [])].find(({ names }) => names.has(node))?.shortage;
  const items = nodes.flatMap(({ name: node }) => {
    const plan = planOf(node);
    return [...(plan?.skipped ?? []), ...(plan?.conflicts ?? [])].flatMap((finding) => {
      if (!codes.includes(finding.code)) return [];
      const policy = byID.get(finding.policy ?? '');
      const entry = policy?.entries.find(({ index }) => index === finding.entry);
      if (policy === undefined || entry === undefined) return [];
      const resource = finding.resource ?? entry.resourceName ?? finding.interface;
      const shortage = shortageOf(resource, node);
      if (shortage === undefined && (subject.kind === 'pod' || subject.kind === 'nad')) return [];
      // An entry that finds nothing is harmless if another entry of the policy serves the resource.
      if (finding.code === 'NothingFound' && isServedOn(facts, node, resource, policy.id)) return [];
      return [{ node, finding, policy, entry, resource, network: shortage?.network, isShort: shortage !== undefined }];
    });
  });
  return groupNodes(items, ({ finding, isShort }) => JSON.stringify([finding, isShort])).map(
    ({ first, nodes: names }) => {
      const { node: _, ...rest } = first;
      return { ...rest, nodes: names };
    },
  );
}

/** Returns the fields of a cause that locate a finding. */
export function locateFinding({ policy, resource, network, nodes }: EntryFinding): {
  readonly policy: string;
  readonly nodes: readonly string[];
  readonly resource?: string;
  readonly network?: string;
} {
  return {
    policy: policy.id,
    nodes,
    ...(resource !== undefined && { resource }),
    ...(network !== undefined && { network }),
  };
}

/** A resource, and the nodes whose states report it identically. */
export interface ResourceOnNodes {
  readonly resource: WantedResource;
  readonly network: string | undefined;
  readonly nodes: readonly string[];
}

/**
 * Returns the resources that nodes report and for which `accepts` returns true. For a pod or network, these are the
 * demanded resources; for a policy, those it declares; for a node, all.
 */
export function listResources(
  { subject, demands, nodes }: Scope,
  facts: WhyFacts,
  accepts: (resource: WantedResource, node: string) => boolean,
): readonly ResourceOnNodes[] {
  const demanded = Map.groupBy(demands, ({ resource }) => resource);
  const networkOf = (name: string) => demanded.get(name)?.[0]?.network;
  const concerns = ({ name, policy }: WantedResource): boolean => {
    if (subject.kind === 'node') return true;
    if (subject.kind === 'policy') return policy === `${subject.namespace}/${subject.name}`;
    return demanded.has(name);
  };
  const items = nodes.flatMap(({ name: node }) =>
    resourcesOn(facts, node)
      .filter((resource) => concerns(resource) && accepts(resource, node))
      .map((resource) => ({ node, resource })),
  );
  return groupNodes(items, ({ resource: { held, lost, mtuLowered, heldElsewhere, ...same } }) =>
    JSON.stringify(same),
  ).map(({ first, nodes: names }) => ({
    resource: first.resource,
    network: networkOf(first.resource.name),
    nodes: names,
  }));
}

/** Returns the fields of a cause that locate a resource. */
export function locateResource({ resource, network, nodes }: ResourceOnNodes): {
  readonly resource: string;
  readonly nodes: readonly string[];
  readonly policy?: string;
  readonly network?: string;
} {
  return {
    resource: resource.name,
    nodes,
    ...(resource.policy !== undefined && { policy: resource.policy }),
    ...(network !== undefined && { network }),
  };
}

/** The devices of a resource on a node, and the pods that hold them. */
export interface DevicesOnNode {
  readonly node: string;
  readonly all: number;
  readonly free: number;
  /** Undefined if the pods of the node were not read. */
  readonly holders: readonly Holder[] | undefined;
}

/**
 * Returns the nodes of a scope that offer a resource, with their devices. As in the scheduler, a device is held if a
 * pod on the node requests it. If the pods were not read, the number in the node's state is used.
 */
export function devicesOn(scope: Scope, facts: WhyFacts, resource: string): readonly DevicesOnNode[] {
  return scope.nodes.filter((node) => isOffered(facts, node, resource)).map((node) => countOn(node, facts, resource));
}

function countOn({ name, allocatable }: NodeSummary, facts: WhyFacts, resource: string): DevicesOnNode {
  const all = allocatable.get(resource) ?? 0;
  const holders = facts.holders.get(name)?.filter(({ devices }) => (devices.get(resource) ?? 0) > 0);
  const requested = holders?.reduce((sum, { devices }) => sum + (devices.get(resource) ?? 0), 0);
  const reported = reportedOn(facts, name, resource)?.held ?? 0;
  // Pods can also hold devices of claims, which only the node's state counts.
  const hasClaims = facts.nodeStates.get(name)?.status?.allocation === 'DRA';
  const held = requested === undefined ? reported : hasClaims ? Math.max(requested, reported) : requested;
  return { node: name, all, free: Math.max(0, all - held), holders };
}
