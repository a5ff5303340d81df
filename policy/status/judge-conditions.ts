// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { isOutsideNamespace } from '../plan/sources.ts';
import { type ConditionReason, conditionReasons } from './condition-reasons.ts';
import { matchedNodes } from './matched-nodes.ts';
import type { PolicyTally } from './policy-tally.ts';

/** A condition before it has a time. */
export interface Judgement {
  readonly type: 'Accepted' | 'Exposed' | 'Conflicted';
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: ConditionReason;
  readonly message: string;
}

/** Whether a policy is in force. Reads its faults. Valid, PolicyInvalid, PolicyOutsideNamespace. */
export function judgeAccepted(policy: Policy): Judgement {
  const { faults } = policy;
  if (faults.length === 0) return judge('Accepted', 'True', 'Valid');
  const reason = isOutsideNamespace(policy) ? 'PolicyOutsideNamespace' : 'PolicyInvalid';
  const details = faults.map(({ path, code, detail }) => `${path}: ${code}: ${detail}`);
  return judge('Accepted', 'False', reason, details);
}

/**
 * Whether nodes expose something by a policy. True as soon as one does. While none does and nodes have not reported yet,
 * nobody knows (Pending). Exposing, NoNodes, NothingFound, Unhealthy, LostToOthers, Pending, NotAccepted.
 */
export function judgeExposed(policy: Policy, tally: PolicyTally): Judgement {
  if (policy.faults.length > 0) return judge('Exposed', 'False', 'NotAccepted');
  const { nodes } = tally;
  const matched = matchedNodes(tally);
  const counts = [
    part(nodes.exposing, `of ${matched} expose a resource by it`),
    part(nodes.pending, 'not reported this generation yet'),
    part(nodes.unhealthy, 'give out nothing for now'),
    part(nodes.losing, 'expose what comes first instead'),
    part(nodes['finding-nothing'], 'find no interface'),
    part(nodes.leaving, 'not selected any more still do'),
  ].filter((text) => text !== '');
  if (nodes.exposing > 0) return judge('Exposed', 'True', 'Exposing', [`nodes: ${counts.join(', ')}`]);
  const tail = counts.length === 0 ? [] : [`nodes: ${counts.join(', ')}`];
  if (matched === 0) return judge('Exposed', 'False', 'NoNodes', tail);
  if (nodes.pending > 0) return judge('Exposed', 'Unknown', 'Pending', tail);
  if (nodes.unhealthy > 0) return judge('Exposed', 'False', 'Unhealthy', tail);
  return judge('Exposed', 'False', nodes.losing > 0 ? 'LostToOthers' : 'NothingFound', tail);
}

/**
 * Whether a policy loses something to another one, or to a resource, on some node. Of several reasons the one of most
 * nodes is given. NoConflict, ResourceNameTaken, PassthruExclusive, Pending, NotAccepted.
 */
export function judgeConflicted(policy: Policy, tally: PolicyTally): Judgement {
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

/** More nobody reads, and a status is not to grow with what is wrong. */
const mostDetails = 5;
/** The schema's bound is 32,768. */
const longestMessage = 1_024;

function judge(
  type: Judgement['type'],
  status: Judgement['status'],
  reason: ConditionReason,
  details: readonly string[] = [],
): Judgement {
  const more = details.length > mostDetails ? `; and ${details.length - mostDetails} more` : '';
  const told = details.slice(0, mostDetails).join('; ');
  const message = `${conditionReasons[reason]}${told === '' ? '' : `: ${told}${more}`}`;
  return { type, status, reason, message: message.slice(0, longestMessage) };
}

function part(count: number, text: string): string {
  return count === 0 ? '' : `${count} ${text}`;
}
