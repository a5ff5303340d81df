// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from './cause.ts';
import { editPolicy, patchEntry } from './kubectl.ts';
import { listFindings, wayTo } from './list-findings.ts';

/** The interface belongs to no bond, bridge or the like: the kernel lets no macvtap stand on a port. */
export const findEnslaved: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['Enslaved']).map((found): Cause => {
    const { finding, entry, policy, isLacking } = found;
    const { by = 'another link' } = finding;
    const isNamed = 'name' in entry.parent;
    return {
      code: 'Enslaved',
      isNote: !isLacking && !isNamed,
      ...wayTo(found),
      detail: `interface ${finding.interface} belongs to ${by}`,
      fix: isNamed
        ? { text: `name ${by} instead`, commands: [patchEntry(policy.id, entry.index, { parentIface: by })] }
        : { text: `select ${by} instead, or exclude its ports`, commands: [editPolicy(policy.id)] },
    };
  });
