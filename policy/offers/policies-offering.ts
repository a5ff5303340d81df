// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { comparePolicies } from '../plan/policy-order.ts';
import type { Offers } from './offers.ts';

/** The policies that offer a resource, each once, in the order in which policies win. */
export function policiesOffering(offers: Offers, resource: string): readonly Policy[] {
  const policies = offers.ofResource(resource).map(({ policy = '' }) => offers.policy(policy));
  return [...new Set(policies)].filter((policy) => policy !== undefined).sort(comparePolicies);
}
