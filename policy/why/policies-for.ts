// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { comparePolicies } from '../plan/policy-order.ts';
import type { Ground } from './ground.ts';
import type { Demand } from './scope.ts';
import type { WhyFacts } from './why-facts.ts';

/** The policies that name one of the resources, whether they count or not, in the order in which they win. */
export function policiesFor(demands: readonly Demand[], { policies }: WhyFacts, { offers }: Ground): readonly Policy[] {
  const wanted = new Set(demands.map(({ resource }) => resource));
  const offering = new Set([...wanted].flatMap((name) => offers.ofResource(name).map(({ policy }) => policy)));
  return policies
    .filter((policy) => offering.has(policy.id) || namesOf(policy).some((name) => wanted.has(name)))
    .sort(comparePolicies);
}

/** The resources that a policy names as it is written: `resourceName`, else the interface. */
export function namesOf({ entries }: Policy): readonly string[] {
  const names = entries.map(({ resourceName, parent }) => resourceName ?? ('name' in parent ? parent.name : undefined));
  return [...new Set(names)].filter((name) => name !== undefined);
}
