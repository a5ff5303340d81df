// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '../reasons.ts';
import type { PolicyObject, ReviewContext } from './rule.ts';
import { rules } from './rules.ts';

/** Everything that the rules find in a policy, in their order: what the schema cannot say. */
export function reviewPolicy(policy: PolicyObject, context: ReviewContext): readonly Verdict[] {
  return rules.flatMap(({ rule }) => rule(policy, context));
}
