// SPDX-License-Identifier: Apache-2.0
import { parseInt64 } from '../plan/match-labels.ts';
import { deny, type Verdict } from '../reasons.ts';
import {
  type PlacedRequirement,
  type PolicyRule,
  readLabelValue,
  requirementsOf,
  type WrittenRequirement,
} from './rule.ts';

/** The syntax of a node's name; see apimachinery validation.IsDNS1123Subdomain. */
const nodeNamePattern = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/**
 * Checks that each operator has the right number of values. Otherwise the requirement would accidentally match nothing
 * or everything.
 *
 * - matchExpressions: In and NotIn need at least one value, Exists and DoesNotExist none, Gt and Lt exactly one
 *   integer.
 * - matchFields: only metadata.name is valid, with In or NotIn and one node name. Anything else would match nothing.
 *
 * Reads matchExpressions of nodeSelector, namespaceSelector and nodeAffinity, and matchFields of nodeAffinity. Emits
 * BadRequirement, then BadFieldRequirement.
 * Source: apimachinery validation of label selectors, core validation of node selectors
 * (validation.ValidateNodeFieldSelectorRequirement).
 */
export const checkRequirements: PolicyRule = ({ spec }) => {
  const requirements = requirementsOf(spec);
  return [
    ...requirements.filter(({ field }) => !field).flatMap(checkExpression),
    ...requirements.filter(({ field }) => field).flatMap(checkField),
  ];
};

/** Returns why an operator does not accept its values, or undefined if it does. */
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

/** Returns whether a node can have this name. */
export function isNodeName(value: unknown): value is string {
  return typeof value === 'string' && nodeNamePattern.test(value);
}

function checkExpression(requirement: PlacedRequirement): readonly Verdict[] {
  const fault = requirementFault(requirement);
  return fault === undefined
    ? []
    : [deny('BadRequirement', requirement.path, `${requirement.key} ${requirement.operator}: ${fault}`)];
}

function checkField({ key, operator, values = [], path }: PlacedRequirement): readonly Verdict[] {
  const isKnown = key === 'metadata.name' && (operator === 'In' || operator === 'NotIn');
  return isKnown && values.length === 1 && isNodeName(values[0])
    ? []
    : [deny('BadFieldRequirement', path, `${key} ${operator} with ${values.length} values: write one node name`)];
}
