// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule, Fix } from './cause.ts';
import { freeOn } from './free-interfaces.ts';
import { editPolicy, patchEntry } from './kubectl.ts';
import { type EntryFinding, listFindings, wayTo } from './list-findings.ts';

/** A passthru resource has its parent for itself, and the first of two has it. */
export const findPassthruExclusive: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['PassthruExclusive']).map((found): Cause => {
    const { finding, entry, resource } = found;
    const which = entry.mode === 'passthru' ? `${resource} is passthru` : `${finding.by} is passthru`;
    return {
      code: 'PassthruExclusive',
      isNote: false,
      ...wayTo(found),
      detail: `${finding.by} stands on ${finding.interface}, too, and comes first; ${which} and shares it with nobody`,
      fix: fixFor(found, freeOn(found.nodes, facts)),
    };
  });

function fixFor({ policy, entry, resource }: EntryFinding, [free]: readonly string[]): Fix {
  if (free === undefined || 'matcher' in entry.parent) {
    return {
      text: `put ${resource} on another interface, or give up one of the two`,
      commands: [editPolicy(policy.id)],
    };
  }
  return {
    text: `put ${resource} on another interface, such as ${free}, on which nothing stands`,
    commands: [patchEntry(policy.id, entry.index, { parentIface: free })],
  };
}
