// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listFindings, locateFinding } from '../scoped-findings.ts';
import { editPolicy, patchEntry } from '../suggested-commands.ts';

/**
 * Finds interfaces that a policy does not use, because an earlier interface of the policy already has the resource
 * name. This is only a note, because a policy for "bond1, or else eth1" works this way.
 */
export const findShadowed: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['Shadowed']).map((found): Cause => {
    const { finding, entry, policy, resource } = found;
    const own = `${resource}-${finding.interface}`;
    const canRename = policy.resourceName === undefined && 'name' in entry.parent;
    return {
      code: 'Shadowed',
      isNote: true,
      ...locateFinding(found),
      detail: `${resource} uses ${finding.by}, which comes first, and not ${finding.interface}`,
      fix: {
        text: `to also expose ${finding.interface}, give it another resourceName`,
        commands: [canRename ? patchEntry(policy.id, entry.index, { resourceName: own }) : editPolicy(policy.id)],
      },
    };
  });
