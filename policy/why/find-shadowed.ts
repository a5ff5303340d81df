// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { editPolicy, patchEntry } from './kubectl.ts';
import { listFindings, wayTo } from './list-findings.ts';

/**
 * Within a policy a resource name belongs to the first interface that is found. That is how a policy says "bond1, or else
 * eth1", so it is only told.
 */
export const findShadowed: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['Shadowed']).map((found): Cause => {
    const { finding, entry, policy, resource } = found;
    const own = `${resource}-${finding.interface}`;
    const canRename = policy.resourceName === undefined && 'name' in entry.parent;
    return {
      code: 'Shadowed',
      isNote: true,
      ...wayTo(found),
      detail: `${resource} stands on ${finding.by}, which comes first, and not on ${finding.interface}`,
      fix: {
        text: `if ${finding.interface} is to be exposed, too, give it a resourceName of its own`,
        commands: [canRename ? patchEntry(policy.id, entry.index, { resourceName: own }) : editPolicy(policy.id)],
      },
    };
  });
