// SPDX-License-Identifier: Apache-2.0

import { compareText } from '../names.ts';
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import { type Candidate, checkSuitability, type SourceResult } from './candidate.ts';
import type { InterfaceFacts, Interfaces } from './interfaces.ts';
import { matchNic } from './match-nic.ts';
import type { Finding, Origin } from './node-plan.ts';

/**
 * Returns the candidates of all policies that select a node. They are ordered by the precedence of their policies, then
 * by entry.
 *
 * An entry *finds* each suitable interface that it matches. If the entry has a resource name, the first interface in
 * natural order becomes the resource. Otherwise each interface becomes a resource with the interface's name.
 *
 * Within a policy, a resource name belongs to the first entry that finds an interface. Later entries with the same name
 * are reported as Shadowed. So a policy can request "bond1, or else eth1". The resource-centric form is a list of such
 * entries.
 */
export function candidatesFromPolicies(policies: readonly Policy[], interfaces: Interfaces): SourceResult {
  const results = policies.toSorted(comparePolicies).map((policy) => candidatesFromPolicy(policy, interfaces));
  return {
    candidates: results.flatMap(({ candidates }) => candidates),
    skipped: results.flatMap(({ skipped }) => skipped),
  };
}

/** Returns the candidates of one policy on a node. The policy must select the node. */
export function candidatesFromPolicy(policy: Policy, interfaces: Interfaces): SourceResult {
  const fault = policy.faults[0];
  if (fault !== undefined) {
    return {
      candidates: [],
      skipped: [{ code: 'PolicyInvalid', source: 'policy', policy: policy.id, value: `${fault.path}: ${fault.code}` }],
    };
  }
  const candidates: Candidate[] = [];
  const skipped: Finding[] = [];
  const firstByName = new Map<string, Candidate>();
  for (const entry of policy.entries) {
    const origin = { source: 'policy', policy: policy.id, entry: entry.index } as const;
    const { found, unsuitable } = findParents(entry, origin, interfaces);
    for (const finding of unsuitable) skipped.push(finding);
    for (const nic of found) {
      const candidate = toCandidate(entry, origin, nic);
      const first = firstByName.get(candidate.name);
      if (first === undefined) {
        firstByName.set(candidate.name, candidate);
        candidates.push(candidate);
      } else {
        skipped.push({
          code: 'Shadowed',
          ...origin,
          interface: nic.name,
          resource: candidate.name,
          by: first.nic.name,
        });
      }
    }
  }
  return { candidates, skipped };
}

/** Returns the interfaces that an entry finds, and why the other interfaces that it matches are unsuitable. */
function findParents(
  entry: PolicyEntry,
  origin: Origin,
  interfaces: Interfaces,
): { found: readonly InterfaceFacts[]; unsuitable: readonly Finding[] } {
  const matched = matchParents(entry, interfaces);
  if (matched.length === 0) {
    const asked = {
      ...('name' in entry.parent && { interface: entry.parent.name }),
      ...(entry.resourceName !== undefined && { resource: entry.resourceName }),
    };
    return { found: [], unsuitable: [{ code: 'NothingFound', ...origin, ...asked }] };
  }
  const found: InterfaceFacts[] = [];
  const unsuitable: Finding[] = [];
  for (const nic of matched) {
    const use = {
      resourceName: entry.resourceName ?? nic.name,
      mode: entry.mode,
      allowHostInterface: entry.allowHostInterface,
    };
    const fault = checkSuitability(nic, use, interfaces);
    if (fault === undefined) found.push(nic);
    else unsuitable.push({ ...fault, ...origin, interface: nic.name });
  }
  return { found, unsuitable };
}

function matchParents({ parent }: PolicyEntry, interfaces: Interfaces): readonly InterfaceFacts[] {
  if ('matcher' in parent) {
    return interfaces.selectable.filter((nic) => matchNic(nic, interfaces.numaNodesOf(nic), parent.matcher));
  }
  const nic = interfaces.find(parent.name);
  return nic === undefined ? [] : [nic];
}

function toCandidate(entry: PolicyEntry, origin: Origin, nic: InterfaceFacts): Candidate {
  const { mode, quantity, excludeTopology, needVhostNet } = entry;
  return { ...origin, name: entry.resourceName ?? nic.name, nic, mode, quantity, excludeTopology, needVhostNet };
}

/**
 * Orders policies by precedence: lowest priority value first, then the oldest, then by name. No two policies tie,
 * because names are unique.
 */
export function comparePolicies(left: Policy, right: Policy): number {
  return (
    left.priority - right.priority || compareNumbers(left.createdMs, right.createdMs) || compareText(left.id, right.id)
  );
}

/** Compares without subtraction, because Infinity minus Infinity is not a number. */
function compareNumbers(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
