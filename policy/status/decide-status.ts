// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../api/macvtap-network-node-policy.ts';
import type { Policy } from '../nodepolicy/read-policy.ts';
import { isOutsideNamespace } from '../plan/plan-node.ts';
import type { PolicyTally } from './node-report.ts';

export type PolicyStatus = NonNullable<MacvtapNetworkNodePolicy['status']>;
type Condition = NonNullable<PolicyStatus['conditions']>[number];

export interface StatusDecision {
  readonly policy: Policy;
  readonly tally: PolicyTally;
  /** The stored status; undefined if there is none. */
  readonly previous: PolicyStatus | undefined;
  /** The current time, for example `2026-01-01T00:00:00Z`. */
  readonly now: string;
}

/**
 * Returns the status to write for a policy, or undefined if the stored status is already up to date.
 * `lastTransitionTime` changes only with the condition's status, not with its reason or message.
 */
export function decideStatus({ policy, tally, previous, now }: StatusDecision): PolicyStatus | undefined {
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

/**
 * Compares two statuses, ignoring the order of map lists and keys, because the API server may return a different order.
 */
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

/** A condition without its time. */
interface JudgedCondition {
  readonly type: 'Accepted' | 'Exposed' | 'Conflicted';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: ConditionReason;
  readonly message: string;
}

/**
 * Decides whether a policy is valid and in the installation's namespace. Reasons: Valid, PolicyInvalid,
 * PolicyOutsideNamespace.
 */
function judgeAccepted(policy: Policy): JudgedCondition {
  const { faults } = policy;
  if (faults.length === 0) return judge('Accepted', 'True', 'Valid');
  const reason = isOutsideNamespace(policy) ? 'PolicyOutsideNamespace' : 'PolicyInvalid';
  const details = faults.map(({ path, code, detail }) => `${path}: ${code}: ${detail}`);
  return judge('Accepted', 'False', reason, details);
}

/**
 * Decides whether any node exposes a resource of a policy. The status is Unknown if no node does, but some nodes have
 * not reported yet. Reasons: Exposing, NoNodes, NothingFound, Unhealthy, LostToOthers, Pending, NotAccepted.
 */
function judgeExposed(policy: Policy, tally: PolicyTally): JudgedCondition {
  if (policy.faults.length > 0) return judge('Exposed', 'False', 'NotAccepted');
  const { nodes } = tally;
  const matched = matchedNodes(tally);
  const counts = [
    part(nodes.exposing, `of ${matched} expose a resource of the policy`),
    part(nodes.pending, 'not reported yet for this generation'),
    part(nodes.unhealthy, 'with unhealthy resources only'),
    part(nodes.losing, 'where other resources have precedence'),
    part(nodes['finding-nothing'], 'without a matching interface'),
    part(nodes.leaving, 'no longer selected but still exposing a resource'),
  ].filter((text) => text !== '');
  if (nodes.exposing > 0) return judge('Exposed', 'True', 'Exposing', [`nodes: ${counts.join(', ')}`]);
  const tail = counts.length === 0 ? [] : [`nodes: ${counts.join(', ')}`];
  if (matched === 0) return judge('Exposed', 'False', 'NoNodes', tail);
  if (nodes.pending > 0) return judge('Exposed', 'Unknown', 'Pending', tail);
  if (nodes.unhealthy > 0) return judge('Exposed', 'False', 'Unhealthy', tail);
  return judge('Exposed', 'False', nodes.losing > 0 ? 'LostToOthers' : 'NothingFound', tail);
}

/**
 * Decides whether a policy loses a conflict with another policy or resource on any node. If there are several reasons,
 * the one on the most nodes is shown. Reasons: NoConflict, ResourceNameTaken, PassthruExclusive, Pending, NotAccepted.
 */
function judgeConflicted(policy: Policy, tally: PolicyTally): JudgedCondition {
  if (policy.faults.length > 0) return judge('Conflicted', 'False', 'NotAccepted');
  const { conflicts, nodes } = tally;
  const [first] = conflicts;
  if (first !== undefined) {
    const reason = first.code === 'PassthruExclusive' ? 'PassthruExclusive' : 'ResourceNameTaken';
    const details = conflicts.map(({ by, code, nodes: count }) => `${by} on ${count} nodes (${code})`);
    return judge('Conflicted', 'True', reason, details);
  }
  const matched = matchedNodes(tally);
  if (matched > 0 && nodes.pending === matched) return judge('Conflicted', 'Unknown', 'Pending');
  return judge('Conflicted', 'False', 'NoConflict');
}

/** The maximum number of details in a message, so that a policy with many errors does not have a large status. */
const mostDetails = 5;
/** The maximum length of a message in characters. The schema allows 32,768. */
const longestMessage = 1_024;

function judge(
  type: JudgedCondition['type'],
  status: JudgedCondition['status'],
  reason: ConditionReason,
  details: readonly string[] = [],
): JudgedCondition {
  const more = details.length > mostDetails ? `; and ${details.length - mostDetails} more` : '';
  const shown = details.slice(0, mostDetails).join('; ');
  const message = `${conditionReasons[reason]}${shown === '' ? '' : `: ${shown}${more}`}`;
  return { type, status, reason, message: message.slice(0, longestMessage) };
}

function part(count: number, text: string): string {
  return count === 0 ? '' : `${count} ${text}`;
}

/**
 * All condition reasons in a policy's status. Like the codes in policy/reasons.ts, they are part of the API.
 * docs/reference/status.md lists the same reasons, and the policy's schema accepts no others.
 */
export const conditionReasons = {
  // Accepted
  Valid: 'the policy is in force',
  PolicyInvalid: 'the policy is invalid: it exposes nothing, and the nodes that it may select use no other source',
  PolicyOutsideNamespace: "policies have an effect only in the installation's namespace",

  // Exposed
  Exposing: 'at least one node exposes a resource of the policy',
  NoNodes: 'the policy selects no node',
  NothingFound: 'every selected node has reported, and no entry matches an interface on any of them',
  Unhealthy: 'all resources of the policy are unhealthy, so nodes offer no devices',
  LostToOthers: 'the policy loses all its resources to other policies or resources',

  // Conflicted
  NoConflict: 'the policy loses no conflict on any node that has reported',
  ResourceNameTaken: 'another policy with precedence exposes a resource with this name',
  PassthruExclusive: 'a passthru resource cannot share its parent with another resource; the first of the two wins',

  // Several conditions
  Pending: 'selected nodes have not reported this generation of the policy yet',
  NotAccepted: 'the policy is not accepted, so it exposes nothing and has no conflicts',
} as const satisfies Record<string, string>;

type ConditionReason = keyof typeof conditionReasons;

/** Returns how many nodes the policy selects. */
function matchedNodes({ nodes }: PolicyTally): number {
  return nodes.pending + nodes.exposing + nodes.unhealthy + nodes.losing + nodes['finding-nothing'];
}
