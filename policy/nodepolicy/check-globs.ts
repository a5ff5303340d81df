// SPDX-License-Identifier: Apache-2.0

import { compileNicGlob, type GlobField, globFields } from '../plan/match-nic.ts';
import { deny, type Verdict } from '../reasons.ts';
import type { NicSelector, PolicyRule } from './rule.ts';

/**
 * Checks that every glob in a NIC selector and in its `exclude` is valid. An invalid glob would silently match nothing.
 * In `exclude`, this would silently select interfaces that were meant to be excluded.
 *
 * Reads names, pciAddresses and macAddresses of spec.parentSelector[].nicSelector and of its exclude. Emits BadGlob.
 */
export const checkGlobs: PolicyRule = ({ spec }) =>
  spec.parentSelector.flatMap(({ nicSelector }, index) => {
    if (nicSelector === undefined) return [];
    const path = `spec.parentSelector[${index}].nicSelector`;
    return [...faultsOf(nicSelector, path), ...faultsOf(nicSelector.exclude ?? {}, `${path}.exclude`)];
  });

function faultsOf(selector: Pick<NicSelector, GlobField>, path: string): readonly Verdict[] {
  return globFields.flatMap((field) =>
    (selector[field] ?? []).flatMap((pattern, index) => {
      const glob = compileNicGlob(field, pattern);
      return 'fault' in glob ? [deny('BadGlob', `${path}.${field}[${index}]`, glob.fault)] : [];
    }),
  );
}
