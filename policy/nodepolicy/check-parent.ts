// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * Every entry says which interfaces it means in exactly one way: by name or by selector. With both it would be unclear
 * which one counts, with none it would mean every interface by accident. The CRD says the same in CEL.
 *
 * Reads spec.parentSelector[].parentIface and .nicSelector. Emits ParentAmbiguous.
 */
export const checkParent: PolicyRule = ({ spec }) =>
  spec.parentSelector.flatMap((entry, index) => {
    const path = `spec.parentSelector[${index}]`;
    if (entry.parentIface !== undefined && entry.nicSelector !== undefined) {
      return [deny('ParentAmbiguous', path, `both parentIface ${entry.parentIface} and a nicSelector: remove one`)];
    }
    if (entry.parentIface === undefined && entry.nicSelector === undefined) {
      return [deny('ParentAmbiguous', path, 'neither parentIface nor nicSelector: add one')];
    }
    return [];
  });
