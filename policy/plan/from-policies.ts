// SPDX-License-Identifier: Apache-2.0
import type { Policy, PolicyEntry } from '../nodepolicy/read-policy.ts';
import type { Candidate, Wishes } from './candidate.ts';
import type { InterfaceFacts } from './interface-facts.ts';
import type { Interfaces } from './interfaces.ts';
import { matchNic } from './match-nic.ts';
import type { Asker, Finding } from './node-plan.ts';
import { comparePolicies } from './policy-order.ts';
import { checkSuitability } from './suitability.ts';

/**
 * What the policies that select a node wish for, in the order in which policies win and, within one, of its entries.
 *
 * An entry *finds* an interface that it matches and that is suitable. With a resource name the first one found, by
 * natural order, is the entry's; without one each is a resource of its own name. Within a policy a name belongs to the
 * first entry that finds something: this is how a policy says "bond1, or else eth1", and all that the resource-centric
 * form is. What comes later is Shadowed.
 */
export function wishesFromPolicies(policies: readonly Policy[], interfaces: Interfaces): Wishes {
  const wishes = policies.toSorted(comparePolicies).map((policy) => wishesFromPolicy(policy, interfaces));
  return {
    candidates: wishes.flatMap(({ candidates }) => candidates),
    skipped: wishes.flatMap(({ skipped }) => skipped),
  };
}

/** What one policy wishes for on a node that it selects. */
export function wishesFromPolicy(policy: Policy, interfaces: Interfaces): Wishes {
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
    const asker = { source: 'policy', policy: policy.id, entry: entry.index } as const;
    const { found, unsuitable } = findParents(entry, asker, interfaces);
    skipped.push(...unsuitable);
    for (const nic of found) {
      const candidate = toCandidate(entry, asker, nic);
      const first = firstByName.get(candidate.name);
      if (first === undefined) {
        firstByName.set(candidate.name, candidate);
        candidates.push(candidate);
      } else {
        skipped.push({ code: 'Shadowed', ...asker, interface: nic.name, resource: candidate.name, by: first.nic.name });
      }
    }
  }
  return { candidates, skipped };
}

/** The interfaces that an entry finds, and why the others that it matches are none. */
function findParents(
  entry: PolicyEntry,
  asker: Asker,
  interfaces: Interfaces,
): { found: readonly InterfaceFacts[]; unsuitable: readonly Finding[] } {
  const matched = matchParents(entry, interfaces);
  if (matched.length === 0) {
    const asked = {
      ...('name' in entry.parent && { interface: entry.parent.name }),
      ...(entry.resourceName !== undefined && { resource: entry.resourceName }),
    };
    return { found: [], unsuitable: [{ code: 'NothingFound', ...asker, ...asked }] };
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
    else unsuitable.push({ ...fault, ...asker, interface: nic.name });
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

function toCandidate(entry: PolicyEntry, asker: Asker, nic: InterfaceFacts): Candidate {
  const { mode, quantity, excludeTopology, needVhostNet } = entry;
  return { ...asker, name: entry.resourceName ?? nic.name, nic, mode, quantity, excludeTopology, needVhostNet };
}
