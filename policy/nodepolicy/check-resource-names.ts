// SPDX-License-Identifier: Apache-2.0
import { isLegalResourceName } from '../plan/resource-name.ts';
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';

/**
 * A resource's name is said once: by the policy (resource-centric) or by its entries (node-centric), never both. It
 * must be usable behind macvtap.network.kubevirt.io/. The same name in two entries is no fault: the first that finds an
 * interface wins.
 *
 * Reads spec.resourceName and spec.parentSelector[].resourceName. Emits NameInBothForms, IllegalResourceName.
 */
export const checkResourceNames: PolicyRule = ({ spec }) => {
  const entries = spec.parentSelector.flatMap(({ resourceName }, index) =>
    resourceName === undefined ? [] : [{ resourceName, path: `spec.parentSelector[${index}].resourceName` }],
  );
  const named =
    spec.resourceName === undefined
      ? entries
      : [{ resourceName: spec.resourceName, path: 'spec.resourceName' }, ...entries];
  return [
    ...named
      .filter(({ resourceName }) => !isLegalResourceName(resourceName))
      .map(({ resourceName, path }) =>
        deny(
          'IllegalResourceName',
          path,
          `${resourceName}: use at most 63 of A-Z a-z 0-9 . _ - and no mark at either end`,
        ),
      ),
    ...(spec.resourceName === undefined
      ? []
      : entries.map(({ resourceName, path }) =>
          deny('NameInBothForms', path, `${resourceName} beside spec.resourceName ${spec.resourceName}: remove one`),
        )),
  ];
};
