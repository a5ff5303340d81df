// SPDX-License-Identifier: Apache-2.0
import { parseInt64 } from '../plan/match-labels.ts';
import { deny } from '../reasons.ts';
import { readLabelValue } from './label-value.ts';
import type { PolicyRule } from './rule.ts';
import { requirementsOf, type WrittenRequirement } from './selectors.ts';

/**
 * An operator goes with its number of values: In and NotIn need at least one, Exists and DoesNotExist have none, Gt and
 * Lt have exactly one integer. Otherwise the requirement would match nothing, or everything, by accident.
 *
 * Reads matchExpressions of nodeSelector, namespaceSelector and nodeAffinity. Emits BadRequirement.
 * Source: apimachinery validation of label selectors, core validation of node selectors.
 */
export const checkRequirements: PolicyRule = ({ spec }) =>
  requirementsOf(spec)
    .filter(({ field }) => !field)
    .flatMap((requirement) => {
      const fault = requirementFault(requirement);
      return fault === undefined
        ? []
        : [deny('BadRequirement', requirement.path, `${requirement.key} ${requirement.operator}: ${fault}`)];
    });

/** Why an operator does not go with its values; undefined when it does. */
export function requirementFault({ operator, values = [] }: WrittenRequirement): string | undefined {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0 ? 'give at least one value' : undefined;
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0 ? 'takes no values' : undefined;
    case 'Gt':
    case 'Lt':
      return values.length === 1 && parseInt64(readLabelValue(values[0])) !== undefined
        ? undefined
        : 'give exactly one integer';
  }
}
