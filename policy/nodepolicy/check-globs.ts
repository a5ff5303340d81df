// SPDX-License-Identifier: Apache-2.0
import { deny, type Verdict } from '../reasons.ts';
import { compileNicGlob, type GlobField, globFields } from './compile-nic-glob.ts';
import type { NicSelector, PolicyRule } from './rule.ts';

/**
 * Every glob of a NIC selector and of its exclude must compile; a broken one would silently match nothing, or, in an
 * exclude, silently let through what was meant to be kept out.
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
