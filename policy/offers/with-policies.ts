// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { Offers } from './offers.ts';

/**
 * A view with all policies replaced by a newer list, as a live look-up finds it: what it would be if everything were
 * read again. Only what rests on policies that are new, gone or edited is, so that a list that tells nothing new costs
 * the list alone.
 */
export function withPolicies(offers: Offers, newer: readonly Policy[]): Offers {
  return offers.withPolicies(newer.map((policy) => orKnown(policy, offers.policy(policy.id))));
}

/**
 * An API server counts the generation of an object up with every change of what it says, from 1 when it is created; one
 * that is made anew has another UID, be it within the same second.
 */
function orKnown(policy: Policy, known: Policy | undefined): Policy {
  const isKnown =
    known !== undefined &&
    policy.generation !== undefined &&
    known.generation === policy.generation &&
    known.uid === policy.uid &&
    known.createdMs === policy.createdMs;
  return isKnown ? known : policy;
}
