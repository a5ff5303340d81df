// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from './cause.ts';
import { editPolicy, patchPolicy } from './kubectl.ts';
import { type EntryFinding, listFindings, wayTo } from './list-findings.ts';
import type { WhyFacts } from './why-facts.ts';

/** No other policy that comes first has the resource's name on the node. */
export const findConflictLost: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['ResourceNameTaken']).map((found): Cause => {
    const winner = facts.policies.find(({ id }) => id === found.finding.by);
    const ranks = winner === undefined ? '' : `, with priority ${winner.priority} against ${found.policy.priority}`;
    return {
      code: 'ConflictLost',
      isNote: false,
      ...wayTo(found),
      detail: `policy ${found.finding.by} has ${found.resource} there${ranks}`,
      fix: fixFor(found, facts),
    };
  });

/** The lower value wins; below 0 there is none. */
function fixFor({ policy, finding }: EntryFinding, { policies }: WhyFacts): Fix {
  const priority = (policies.find(({ id }) => id === finding.by)?.priority ?? 0) - 1;
  if (priority < 0) return { text: 'give one of the two another resourceName', commands: [editPolicy(policy.id)] };
  return {
    text: 'let this one come first, or give it another resourceName',
    commands: [patchPolicy(policy.id, { priority })],
  };
}
