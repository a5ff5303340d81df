// SPDX-License-Identifier: Apache-2.0
import { isLegalResourceName } from '../plan/resource-name.ts';
import { clip, warnBriefly } from './brief-text.ts';
import type { PolicyWarning } from './policy-warning.ts';

/** As much of a name as tells which one it is. */
const shownChars = 40;

/**
 * An entry that names no resource has one of its interface's name, which kubelet must take. Not a fault: what is written
 * may be an altname, and the interface have a name that it takes.
 *
 * Reads parentIface of the entries without a resourceName. Emits IllegalResourceName.
 */
export const warnParentNames: PolicyWarning = ({ entries }) =>
  entries.flatMap(({ index, parent, resourceName }) =>
    resourceName !== undefined || !('name' in parent) || isLegalResourceName(parent.name)
      ? []
      : [
          warnBriefly(
            'IllegalResourceName',
            `spec.parentSelector[${index}].parentIface`,
            `${clip(parent.name, shownChars)}, unless it is an altname of an interface with a legal one`,
          ),
        ],
  );
