// SPDX-License-Identifier: Apache-2.0
import { describeFinding } from '../../policy/plan/describe-finding.ts';
import type { NodePlan } from '../../policy/plan/node-plan.ts';
import type { Log } from '../../runtime/log.ts';
import type { DecisionCause } from './decide-served.ts';

/** One line for a plan, and one for each thing that it does not expose; implicit exposure passes over too many to tell. */
export function logPlan({ source, resources, skipped, conflicts }: NodePlan, cause: DecisionCause, log: Log): void {
  const names = resources.map(({ name, parent, mode, quantity }) => `${name}=${parent}/${mode}/${quantity}`);
  log.info({ source, cause, resources: names }, 'plan in force');
  for (const finding of conflicts) log.warn({ code: finding.code, finding: describeFinding(finding) }, 'conflict');
  for (const finding of skipped) {
    const level = finding.source === 'implicit' ? 'debug' : 'info';
    log[level]({ code: finding.code, finding: describeFinding(finding) }, 'not exposed');
  }
}
