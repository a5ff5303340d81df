// SPDX-License-Identifier: Apache-2.0
import { compareNatural } from '../names.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { describeFailure } from '../nodestate/node-state-limits.ts';
import { type Candidate, checkSuitability, plainCandidate, type SourceResult } from './candidate.ts';
import { candidatesFromExplicit, type ExplicitConfig } from './from-explicit.ts';
import { candidatesFromPolicies, candidatesFromPolicy, comparePolicies } from './from-policies.ts';
import { candidatesFromTags, readTags } from './from-tags.ts';
import {
  type InterfaceFacts,
  type Interfaces,
  indexInterfaces,
  type ReportedInterface,
  readInterface,
} from './interfaces.ts';
import { matchNode, type NodeFacts } from './match-labels.ts';
import type { Glob } from './match-nic.ts';
import type { Finding, NodePlan, PlannedResource, SourceName } from './node-plan.ts';
import { quantityFor } from './resource.ts';

/** All sources of resources for a node, except for tags, which are in the node's labels. */
export interface Wanted {
  readonly policies: readonly Policy[];
  /** Undefined if the config map does not exist. */
  readonly explicit: ExplicitConfig | undefined;
  /** Undefined if implicit exposure is disabled (`implicitExposure: None`). */
  readonly implicit: ImplicitExposure | undefined;
}

/**
 * Plans the resources of a node from its interfaces and all sources. This is a pure function, and the order of
 * interfaces, policies and labels has no effect.
 */
export function planNode(node: NodeFacts, facts: readonly InterfaceFacts[], wanted: Wanted): NodePlan {
  const interfaces = indexInterfaces(facts);
  return planWith(node, wanted, interfaces, (policy) => candidatesFromPolicy(policy, interfaces));
}

/**
 * Plans a node from two versions of the sources. A policy that is the same object in both versions is matched with the
 * interfaces only once. This matching is nearly all the work of a plan.
 */
export function planBoth(
  node: NodeFacts,
  facts: readonly InterfaceFacts[],
  before: Wanted,
  after: Wanted,
): { readonly before: NodePlan; readonly after: NodePlan } {
  const interfaces = indexInterfaces(facts);
  const found = new Map<Policy, SourceResult>();
  const find: FindCandidates = (policy) =>
    found.getOrInsertComputed(policy, () => candidatesFromPolicy(policy, interfaces));
  return { before: planWith(node, before, interfaces, find), after: planWith(node, after, interfaces, find) };
}

/** Returns the candidates of one policy on the node that is planned. */
type FindCandidates = (policy: Policy) => SourceResult;

function planWith(node: NodeFacts, wanted: Wanted, interfaces: Interfaces, find: FindCandidates): NodePlan {
  const { source, candidates, skipped } = findCandidates(node, wanted, interfaces, find);
  const { winners, conflicts } = resolveConflicts(candidates);
  const resources = winners
    .map((winner) => toResource(winner, interfaces))
    .sort((left, right) => compareNatural(left.name, right.name));
  return { node: node.name, source, resources, skipped, conflicts };
}

/** Plans a node from its report. If planning throws, returns the reason, so that the other nodes are still planned. */
export function tryPlan(
  node: NodeFacts,
  interfaces: readonly ReportedInterface[],
  wanted: Wanted,
): NodePlan | { readonly failure: string } {
  try {
    return planNode(node, interfaces.map(readInterface), wanted);
  } catch (thrown) {
    return { failure: describeFailure(thrown) };
  }
}

/**
 * Returns whether a policy is ignored because of its namespace. Authors in other namespaces must not influence nodes,
 * not even by making a node expose nothing.
 */
export function isOutsideNamespace({ faults }: Policy): boolean {
  return faults.some(({ code }) => code === 'PolicyOutsideNamespace');
}

/** Returns whether policies decide the resources of a node, so that no other source applies. */
export function isGoverned(node: NodeFacts, policies: readonly Policy[]): boolean {
  return policies.some((policy) => !isOutsideNamespace(policy) && matchNode(node, policy.nodes));
}

/**
 * Returns the candidates of the first source that applies to the node: policies that select it, the explicit
 * configuration, tags, implicit exposure.
 *
 * The node exposes only what this source declares, even if that is nothing. Implicit exposure applies only if all other
 * sources are absent.
 */
function findCandidates(
  node: NodeFacts,
  wanted: Wanted,
  interfaces: Interfaces,
  find: FindCandidates,
): SourceResult & { source: SourceName } {
  const selecting = wanted.policies.filter(({ nodes }) => matchNode(node, nodes));
  const outside = selecting.filter(isOutsideNamespace);
  const policies = selecting.filter((policy) => !isOutsideNamespace(policy));
  const result = findInFirstSource(node, { ...wanted, policies }, interfaces, find);
  return { ...result, skipped: [...outside.toSorted(comparePolicies).map(toOutsideFinding), ...result.skipped] };
}

/** Requires that all policies in `wanted.policies` select the node and are not ignored. */
function findInFirstSource(
  node: NodeFacts,
  { policies, explicit, implicit }: Wanted,
  interfaces: Interfaces,
  find: FindCandidates,
): SourceResult & { source: SourceName } {
  if (policies.length > 0) return { source: 'policy', ...candidatesFromPolicies(policies, find) };

  if (explicit !== undefined && ('fault' in explicit || explicit.entries.length > 0)) {
    return { source: 'explicit', ...candidatesFromExplicit(explicit, interfaces) };
  }

  const tags = readTags(node.labels);
  if (tags.length > 0) return { source: 'tag', ...candidatesFromTags(tags, interfaces) };

  if (implicit !== undefined) return { source: 'implicit', ...candidatesFromImplicit(implicit, interfaces) };
  return { source: 'none', candidates: [], skipped: [] };
}

function toOutsideFinding({ id }: Policy): Finding {
  return { code: 'PolicyOutsideNamespace', source: 'policy', policy: id };
}

/** The winning candidates, and why the others lost. */
export interface Resolution {
  readonly winners: readonly Candidate[];
  readonly conflicts: readonly Finding[];
}

/**
 * Resolves conflicts between the candidates of a node. Earlier candidates in the list win. Candidates conflict over:
 *
 * - a resource name, because kubelet accepts one device plugin for each name (ResourceNameTaken);
 * - the parent of a passthru resource, because the kernel refuses any other macvtap on it (PassthruExclusive).
 */
export function resolveConflicts(candidates: readonly Candidate[]): Resolution {
  const winners: Candidate[] = [];
  const conflicts: Finding[] = [];
  const byName = new Map<string, Candidate>();
  const byParent = new Map<string, Candidate>();
  const exclusiveByParent = new Map<string, Candidate>();
  for (const candidate of candidates) {
    const { name, nic, mode } = candidate;
    const namesake = byName.get(name);
    const exclusive = (mode === 'passthru' ? byParent : exclusiveByParent).get(nic.name);
    if (namesake !== undefined) conflicts.push(toConflict('ResourceNameTaken', candidate, namesake));
    else if (exclusive !== undefined) conflicts.push(toConflict('PassthruExclusive', candidate, exclusive));
    else {
      winners.push(candidate);
      byName.set(name, candidate);
      byParent.getOrInsert(nic.name, candidate);
      if (mode === 'passthru') exclusiveByParent.set(nic.name, candidate);
    }
  }
  return { winners, conflicts };
}

function toConflict(code: 'ResourceNameTaken' | 'PassthruExclusive', loser: Candidate, winner: Candidate): Finding {
  const { source, policy, entry } = loser;
  return {
    code,
    source,
    ...(policy !== undefined && { policy }),
    ...(entry !== undefined && { entry }),
    interface: loser.nic.name,
    resource: loser.name,
    by: code === 'ResourceNameTaken' ? (winner.policy ?? winner.source) : winner.name,
  };
}

function toResource(candidate: Candidate, interfaces: Interfaces): PlannedResource {
  const { nic, vlan, excludeTopology, ...rest } = candidate;
  return {
    ...rest,
    parent: nic.name,
    ...(vlan !== undefined && { vlan: { lower: vlan.lower.name, id: vlan.id } }),
    // A VLAN has no hardware device, so the NUMA nodes of the interface below it are used.
    numaNodes: excludeTopology ? [] : interfaces.numaNodesOf(vlan?.lower ?? nic),
  };
}

/** Which interfaces a node exposes if no other source applies to it. */
export interface ImplicitExposure {
  /** Link kinds that are exposed: `device` (physical NICs) and `bond` unless configured otherwise. */
  readonly linkKinds: readonly string[];
  /** Globs of interface names that are not exposed. */
  readonly exclude: readonly Glob[];
}

/**
 * Returns one candidate for each suitable interface that `exposure` does not exclude. The candidate has the interface's
 * name, mode bridge and 100 devices.
 */
function candidatesFromImplicit(exposure: ImplicitExposure, interfaces: Interfaces): SourceResult {
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  for (const nic of interfaces.selectable) {
    const fault =
      checkSuitability(nic, { resourceName: nic.name, mode: 'bridge', allowHostInterface: false }, interfaces) ??
      checkExposure(nic, exposure);
    if (fault === undefined) {
      candidates.push(plainCandidate({ source: 'implicit' }, nic.name, nic, 'bridge', quantityFor('bridge')));
    } else {
      skipped.push({ ...fault, source: 'implicit', interface: nic.name });
    }
  }
  return { candidates, skipped };
}

function checkExposure(
  nic: InterfaceFacts,
  exposure: ImplicitExposure,
): Pick<Finding, 'code' | 'value' | 'by'> | undefined {
  // `checkSuitability` accepts VRF ports, but implicit exposure skips the ports of every kind of master.
  if (nic.master !== undefined) return { code: 'Enslaved', by: nic.master.name };
  return checkNamedKind(nic, exposure);
}

/** Returns why an interface's kind or name excludes it from implicit exposure, or undefined if nothing does. */
export function checkNamedKind(
  { kind, name, altNames = [] }: InterfaceFacts,
  { linkKinds, exclude }: ImplicitExposure,
): Pick<Finding, 'code' | 'value'> | undefined {
  if (!linkKinds.includes(kind)) return { code: 'KindNotExposed', value: kind };
  const excluded = [name, ...altNames].some((each) => exclude.some((glob) => 'matches' in glob && glob.matches(each)));
  return excluded ? { code: 'ExcludedByName' } : undefined;
}
