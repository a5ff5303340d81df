// SPDX-License-Identifier: Apache-2.0

import { compareText } from '../names.ts';
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import { type Candidate, checkSuitability, type SourceResult, type Unsuitable } from './candidate.ts';
import type { InterfaceFacts, Interfaces } from './interfaces.ts';
import { matchNic } from './match-nic.ts';
import type { Finding, Origin } from './node-plan.ts';
import { chooseVlan, namedParent, nameVlan } from './vlan.ts';

/**
 * Returns the candidates of all policies that select a node. They are ordered by the precedence of their policies, then
 * by entry.
 *
 * An entry *finds* each suitable interface that it matches. If the entry has a resource name, the first interface in
 * natural order becomes the resource. Otherwise each interface becomes a resource with the interface's name.
 *
 * Within a policy, the first interface found for a resource name gets the name. Later interfaces for the same name are
 * reported as Shadowed. So a policy can request "bond1, or else eth1" with two entries that have the same resource
 * name. If the policy has `spec.resourceName`, all its entries have that name.
 *
 * `find` returns the candidates of one policy.
 */
export function candidatesFromPolicies(
  policies: readonly Policy[],
  find: (policy: Policy) => SourceResult,
): SourceResult {
  const results = policies.toSorted(comparePolicies).map(find);
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
    for (const parent of found) {
      const name = resourceNameOf(entry, parent.lower);
      const first = firstByName.get(name);
      if (first === undefined) {
        const candidate = toCandidate(entry, policy, name, parent);
        firstByName.set(name, candidate);
        candidates.push(candidate);
      } else {
        skipped.push({
          code: 'Shadowed',
          source: 'policy',
          policy: policy.id,
          entry: entry.index,
          interface: parent.nic.name,
          resource: name,
          by: first.nic.name,
        });
      }
    }
  }
  return { candidates, skipped };
}

/** A parent that an entry finds. `lower` is the selected interface: the parent itself, or the interface below it. */
interface FoundParent {
  readonly nic: InterfaceFacts;
  readonly lower: InterfaceFacts;
}

/** Returns the interfaces that an entry finds, and why the other interfaces that it matches are unsuitable. */
function findParents(
  entry: PolicyEntry,
  origin: Origin,
  interfaces: Interfaces,
): { found: readonly FoundParent[]; unsuitable: readonly Finding[] } {
  const matched = matchParents(entry, interfaces);
  if (matched.length === 0) {
    const resource = entry.resourceName ?? (entry.vlan === undefined ? undefined : namedParent(entry));
    const asked = {
      ...('name' in entry.parent && { interface: entry.parent.name }),
      ...(resource !== undefined && { resource }),
    };
    return { found: [], unsuitable: [{ code: 'NothingFound', ...origin, ...asked }] };
  }
  const found: FoundParent[] = [];
  const unsuitable: Finding[] = [];
  for (const lower of matched) {
    const choice = chooseParent(entry, lower, interfaces);
    if ('nic' in choice) {
      found.push({ nic: choice.nic, lower });
    } else {
      // The resource of a VLAN does not have the name of the interface, so the finding needs both names.
      const resource = entry.vlan === undefined ? {} : { resource: resourceNameOf(entry, lower) };
      unsuitable.push({ interface: lower.name, ...choice, ...origin, ...resource });
    }
  }
  return { found, unsuitable };
}

/** Returns the parent that an entry uses for a selected interface: the interface itself, or the VLAN on top of it. */
function chooseParent(
  entry: PolicyEntry,
  lower: InterfaceFacts,
  interfaces: Interfaces,
): { readonly nic: InterfaceFacts } | (Unsuitable & { readonly interface?: string }) {
  const { mode, allowHostInterface } = entry;
  const choice = entry.vlan === undefined ? { nic: lower } : chooseVlan(lower, entry.vlan, interfaces);
  if (!('nic' in choice)) return choice;
  const use = { resourceName: resourceNameOf(entry, lower), mode, allowHostInterface };
  const fault = checkSuitability(choice.nic, use, interfaces);
  return fault === undefined ? choice : { ...fault, interface: choice.nic.name };
}

function resourceNameOf({ resourceName, vlan }: PolicyEntry, lower: InterfaceFacts): string {
  return resourceName ?? (vlan === undefined ? lower.name : nameVlan(lower.name, vlan));
}

function matchParents({ parent, vlan }: PolicyEntry, interfaces: Interfaces): readonly InterfaceFacts[] {
  if ('matcher' in parent) {
    // If the entry has `vlan`, a glob such as `ens*` matches the NICs, but not their existing VLANs.
    return interfaces.selectable.filter(
      (nic) =>
        !(vlan !== undefined && nic.kind === 'vlan') && matchNic(nic, interfaces.numaNodesOf(nic), parent.matcher),
    );
  }
  const nic = interfaces.find(parent.name);
  return nic === undefined ? [] : [nic];
}

function toCandidate(
  entry: PolicyEntry,
  { id: policy, carrierLoss }: Policy,
  name: string,
  { nic, lower }: FoundParent,
): Candidate {
  const { index, mode, quantity, excludeTopology, needVhostNet, vlan } = entry;
  // Each field is written out, because spreading objects is slow, and there are many candidates.
  const plain = {
    source: 'policy',
    policy,
    entry: index,
    name,
    nic,
    mode,
    quantity,
    excludeTopology,
    needVhostNet,
  } as const;
  if (vlan === undefined && carrierLoss === undefined) return plain;
  return {
    ...plain,
    ...(vlan !== undefined && { vlan: { lower, id: vlan } }),
    ...(carrierLoss !== undefined && { carrierLoss }),
  };
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

/** Compares without subtraction: policies from files have the time Infinity, and Infinity - Infinity is NaN. */
function compareNumbers(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}
