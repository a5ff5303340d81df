// SPDX-License-Identifier: Apache-2.0
import { deny } from '../reasons.ts';
import type { PolicyRule } from './rule.ts';
import { requirementsOf } from './selectors.ts';

/** Syntax of a node's name: apimachinery validation.IsDNS1123Subdomain. */
const namePattern = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/**
 * matchFields knows one field of a node, metadata.name, by In or NotIn with one value; anything else matches nothing.
 *
 * Reads spec.nodeAffinity.nodeSelectorTerms[].matchFields. Emits BadFieldRequirement.
 * Source: core validation.ValidateNodeFieldSelectorRequirement.
 */
export const checkFieldRequirements: PolicyRule = ({ spec }) =>
  requirementsOf(spec)
    .filter(
      ({ field, key, operator, values = [] }) =>
        field &&
        !(
          key === 'metadata.name' &&
          (operator === 'In' || operator === 'NotIn') &&
          values.length === 1 &&
          isNodeName(values[0])
        ),
    )
    .map(({ key, operator, values = [], path }) =>
      deny('BadFieldRequirement', path, `${key} ${operator} with ${values.length} values: write one node name`),
    );

/** Whether a node can have this name. */
export function isNodeName(value: unknown): value is string {
  return typeof value === 'string' && namePattern.test(value);
}
