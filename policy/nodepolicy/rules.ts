// SPDX-License-Identifier: Apache-2.0
import type { Verdict } from '../reasons.ts';
import { checkEntries } from './check-entries.ts';
import { checkGlobs } from './check-globs.ts';
import { checkLabels } from './check-labels.ts';
import { checkNamespace } from './check-namespace.ts';
import { checkRequirements } from './check-requirements.ts';
import { checkVlan } from './check-vlan.ts';
import type { PolicyObject, PolicyRule, ReviewContext } from './rule.ts';

/** All rules for policies, in the order of their verdicts. Fixtures are in test/fixtures/nodepolicy/<name>. */
export const rules = [
  { name: 'check-namespace', rule: checkNamespace },
  { name: 'check-entries', rule: checkEntries },
  { name: 'check-vlan', rule: checkVlan },
  { name: 'check-globs', rule: checkGlobs },
  { name: 'check-labels', rule: checkLabels },
  { name: 'check-requirements', rule: checkRequirements },
] as const satisfies readonly { name: string; rule: PolicyRule }[];

/** Returns the verdicts of all rules about a policy. The rules cover everything that the schema cannot express. */
export function reviewPolicy(policy: PolicyObject, context: ReviewContext): readonly Verdict[] {
  return rules.flatMap(({ rule }) => rule(policy, context));
}
