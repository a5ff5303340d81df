// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../api/macvtap-network-node-policy.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { judgeAccepted, judgeConflicted, judgeExposed } from './judge-conditions.ts';
import { matchedNodes } from './matched-nodes.ts';
import type { PolicyTally } from './policy-tally.ts';

export type PolicyStatus = NonNullable<MacvtapNetworkNodePolicy['status']>;
type Condition = NonNullable<PolicyStatus['conditions']>[number];

export interface DecideStatusFacts {
  readonly policy: Policy;
  readonly tally: PolicyTally;
  /** What stands written; undefined for nothing. */
  readonly previous: PolicyStatus | undefined;
  /** `2026-01-01T00:00:00Z`. */
  readonly now: string;
}

/**
 * What is to be written as a policy's status; undefined where that stands there already. The time of a condition is when
 * it last became true, false or unknown: another reason or message leaves it as it is.
 */
export function decideStatus({ policy, tally, previous, now }: DecideStatusFacts): PolicyStatus | undefined {
  const { generation } = policy;
  const observed = generation === undefined ? {} : { observedGeneration: generation };
  const conditions = [judgeAccepted(policy), judgeExposed(policy, tally), judgeConflicted(policy, tally)].map(
    ({ type, status, reason, message }): Condition => {
      const before = previous?.conditions?.find((condition) => condition.type === type);
      const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
      return { type, status, ...observed, lastTransitionTime, reason, message };
    },
  );
  const status = {
    ...observed,
    matchedNodes: matchedNodes(tally),
    exposingNodes: tally.nodes.exposing,
    conditions,
    entries: policy.entries.map(({ index }) => ({ index, nodes: tally.entries.get(index) ?? 0 })),
  };
  return previous !== undefined && isSame(status, previous) ? undefined : status;
}

/** Whatever the order of lists that are maps, and of keys: an API server has its own. */
function isSame(left: PolicyStatus, right: PolicyStatus): boolean {
  return JSON.stringify(inOrder(left)) === JSON.stringify(inOrder(right));
}

function inOrder({ observedGeneration, matchedNodes: matched, exposingNodes, conditions, entries }: PolicyStatus) {
  return [
    observedGeneration,
    matched,
    exposingNodes,
    (conditions ?? [])
      .map((each) => [
        each.type,
        each.status,
        each.observedGeneration,
        each.lastTransitionTime,
        each.reason,
        each.message,
      ])
      .sort(byFirst),
    (entries ?? []).map(({ index, nodes }) => [index, nodes] as const).sort(byFirst),
  ];
}

function byFirst([left]: readonly unknown[], [right]: readonly unknown[]): number {
  return (left as string | number) < (right as string | number) ? -1 : 1;
}
