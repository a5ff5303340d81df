// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from '../cause.ts';
import { type EntryFinding, listFindings, locateFinding } from '../scoped-findings.ts';
import { editPolicy, patchPolicy } from '../suggested-commands.ts';
import type { WhyFacts } from '../why-facts.ts';

/** Checks that no other policy has precedence for the resource name on the node. */
export const findConflictLost: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['ResourceNameTaken']).map((found): Cause => {
    const winner = facts.policies.find(({ id }) => id === found.finding.by);
    const ranks = winner === undefined ? '' : `, with priority ${winner.priority} before ${found.policy.priority}`;
    return {
      code: 'ConflictLost',
      isNote: false,
      ...locateFinding(found),
      detail: `policy ${found.finding.by} exposes ${found.resource} there${ranks}`,
      fix: fixFor(found, facts),
    };
  });

/**
 * Suggests a priority value below the winner's, because the lowest value has precedence. If the winner has the minimum,
 * 0, suggests another resource name.
 */
function fixFor({ policy, finding }: EntryFinding, { policies }: WhyFacts): Fix {
  const priority = (policies.find(({ id }) => id === finding.by)?.priority ?? 0) - 1;
  if (priority < 0)
    return { text: 'use another resourceName in one of the policies', commands: [editPolicy(policy.id)] };
  return {
    text: 'give this policy precedence, or use another resourceName',
    commands: [patchPolicy(policy.id, { priority })],
  };
}
