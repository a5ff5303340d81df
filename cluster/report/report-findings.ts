// SPDX-License-Identifier: Apache-2.0
import { describeFinding } from '../../policy/plan/describe-finding.ts';
import type { Finding } from '../../policy/plan/node-plan.ts';
import type { NodeStateStatus } from './build-node-state.ts';

type ReportedFinding = NonNullable<NodeStateStatus['conflicts']>[number];

/** The schema's bound is 4,096; nobody reads a thousand. */
const most = 1_000;

/**
 * Findings as a list that is keyed by name, `macvtap-cni/policy-1[2] eth2`: who asked, for which interface or resource.
 * A second finding under the same name has its code appended.
 */
export function toReportedFindings(findings: readonly Finding[]): readonly ReportedFinding[] {
  const reported = new Map<string, ReportedFinding>();
  for (const finding of findings) {
    const subject = nameOf(finding);
    const name = reported.has(subject) ? `${subject} ${finding.code}` : subject;
    if (reported.has(name) || reported.size === most) continue;
    reported.set(name, toReported(name, finding));
  }
  return [...reported.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

function toReported(name: string, finding: Finding): ReportedFinding {
  const { code, policy, entry, by } = finding;
  return {
    name,
    ...(policy !== undefined && { policy }),
    ...(entry !== undefined && { entry }),
    ...(by !== undefined && { by }),
    code,
    message: describeFinding(finding).slice(0, longestMessage),
  };
}

const longestMessage = 1_024;
/** Less the longest code and a blank, of the schema's 255. */
const longestSubject = 190;

function nameOf({ source, policy, entry, interface: nic, resource }: Finding): string {
  const asker = `${policy ?? source}${entry === undefined ? '' : `[${entry}]`}`;
  const about = nic ?? resource;
  return (about === undefined ? asker : `${asker} ${about}`).slice(-longestSubject);
}
