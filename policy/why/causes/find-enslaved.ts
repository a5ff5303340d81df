// SPDX-License-Identifier: Apache-2.0
import type { Cause, CauseRule } from '../cause.ts';
import { listFindings, locateFinding } from '../scoped-findings.ts';
import { editPolicy, patchEntry } from '../suggested-commands.ts';

/**
 * Checks that the interface is not a port of a bond, bridge or similar, because the kernel allows no macvtap on a port.
 */
export const findEnslaved: CauseRule = (scope, facts) =>
  listFindings(scope, facts, ['Enslaved']).map((found): Cause => {
    const { finding, entry, policy, isShort } = found;
    const { by = 'another link' } = finding;
    const isNamed = 'name' in entry.parent;
    // If the entry has `vlan`, the port may be that VLAN. The entry names the interface below the VLAN, so the fix must
    // not replace this name by that of the VLAN's master.
    const isReplaceable = isNamed && (entry.vlan === undefined || finding.resource !== finding.interface);
    return {
      code: 'Enslaved',
      isNote: !isShort && !isNamed,
      ...locateFinding(found),
      detail: `interface ${finding.interface} belongs to ${by}`,
      fix: isReplaceable
        ? { text: `name ${by} instead`, commands: [patchEntry(policy.id, entry.index, { parentIface: by })] }
        : { text: `select ${by} instead, or exclude its ports`, commands: [editPolicy(policy.id)] },
    };
  });
