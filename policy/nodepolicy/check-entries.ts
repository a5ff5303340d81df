// SPDX-License-Identifier: Apache-2.0
import { isLegalResourceName } from '../plan/resource.ts';
import { deny, type Verdict } from '../reasons.ts';
import type { PolicyRule, PolicySpec } from './rule.ts';

/**
 * Checks that each entry of parentSelector is unambiguous. The CRD checks the same with CEL rules.
 *
 * - An entry selects its interfaces either by name or by selector. With both, it would be unclear which one applies;
 *   with neither, the entry would accidentally select every interface.
 * - The resource name is in the policy (resource-centric form) or in the entries (node-centric form), never in both. It
 *   must be legal after the prefix macvtap.network.kubevirt.io/. Two entries may have the same name: the first that
 *   finds an interface wins.
 * - With passthru, the quantity is 1 or absent, because the kernel allows only one device on a parent in this mode. The
 *   schema limits the quantity for the other modes.
 *
 * Reads spec.resourceName, and parentIface, nicSelector, resourceName, mode and quantity of spec.parentSelector[].
 * Emits ParentAmbiguous, IllegalResourceName, NameInBothForms, PassthruQuantity.
 */
export const checkEntries: PolicyRule = ({ spec }) => [
  ...checkParents(spec),
  ...checkResourceNames(spec),
  ...checkQuantities(spec),
];

function checkParents({ parentSelector }: PolicySpec): readonly Verdict[] {
  return parentSelector.flatMap(({ parentIface, nicSelector }, index) => {
    const path = `spec.parentSelector[${index}]`;
    if (parentIface !== undefined && nicSelector !== undefined) {
      return [deny('ParentAmbiguous', path, `both parentIface ${parentIface} and a nicSelector: remove one`)];
    }
    if (parentIface === undefined && nicSelector === undefined) {
      return [deny('ParentAmbiguous', path, 'neither parentIface nor nicSelector: add one')];
    }
    return [];
  });
}

function checkResourceNames({ resourceName: ofPolicy, parentSelector }: PolicySpec): readonly Verdict[] {
  const entries = parentSelector.flatMap(({ resourceName }, index) =>
    resourceName === undefined ? [] : [{ resourceName, path: `spec.parentSelector[${index}].resourceName` }],
  );
  const named = ofPolicy === undefined ? entries : [{ resourceName: ofPolicy, path: 'spec.resourceName' }, ...entries];
  return [
    ...named
      .filter(({ resourceName }) => !isLegalResourceName(resourceName))
      .map(({ resourceName, path }) => {
        const advice = 'use at most 63 of A-Z a-z 0-9 . _ - with a letter or digit at both ends';
        return deny('IllegalResourceName', path, `${resourceName}: ${advice}`);
      }),
    ...(ofPolicy === undefined
      ? []
      : entries.map(({ resourceName, path }) =>
          deny('NameInBothForms', path, `${resourceName}, but spec.resourceName is ${ofPolicy}: remove one`),
        )),
  ];
}

function checkQuantities({ parentSelector }: PolicySpec): readonly Verdict[] {
  return parentSelector.flatMap(({ mode, quantity }, index) => {
    if (mode !== 'passthru' || quantity === undefined || quantity === 1) return [];
    const path = `spec.parentSelector[${index}].quantity`;
    return [deny('PassthruQuantity', path, `quantity ${quantity}: write 1 or leave it out`)];
  });
}
