// SPDX-License-Identifier: Apache-2.0
import { deny, type Verdict } from '../reasons.ts';
import {
  isLegalLabelKey,
  isLegalLabelValue,
  labelSelectorsOf,
  type PolicyRule,
  readLabelValue,
  requirementsOf,
} from './rule.ts';

/**
 * Checks that keys and values in selectors are legal for labels, because no label can have any other key or value.
 * Values must be strings, booleans or integers; booleans and integers are converted to strings. Any other type (a
 * float, null, a list) is rejected, because its text is ambiguous.
 *
 * Reads nodeSelector, namespaceSelector and nodeAffinity. Ignores matchFields, because check-requirements checks them.
 * Emits BadSelectorValue, BadLabel.
 */
export const checkLabels: PolicyRule = ({ spec }) => [
  ...labelSelectorsOf(spec).flatMap(({ path, selector }) =>
    Object.entries(selector.matchLabels ?? {}).flatMap(([key, value]) => [
      ...keyFaults(key, `${path}.matchLabels`),
      ...valueFaults(value, `${path}.matchLabels[${key}]`, false),
    ]),
  ),
  ...requirementsOf(spec)
    .filter(({ field }) => !field)
    .flatMap(({ key, operator, values, path }) => [
      ...keyFaults(key, `${path}.key`),
      ...(values ?? []).flatMap((value, index) =>
        valueFaults(value, `${path}.values[${index}]`, operator === 'Gt' || operator === 'Lt'),
      ),
    ]),
];

function keyFaults(key: string, path: string): readonly Verdict[] {
  return isLegalLabelKey(key)
    ? []
    : [deny('BadLabel', path, `key ${key}: write [prefix/]name, the name in 63 characters`)];
}

/** Checks a value. The bound of Gt or Lt is compared as a number and need not be a legal label value: `-5` is valid. */
function valueFaults(value: unknown, path: string, isBound: boolean): readonly Verdict[] {
  const text = readLabelValue(value);
  if (text === undefined) return [deny('BadSelectorValue', path, `${describe(value)}: write it in quotes`)];
  if (isBound || isLegalLabelValue(text)) return [];
  return [
    deny('BadLabel', path, `value ${text}: use at most 63 of A-Z a-z 0-9 . _ - with a letter or digit at both ends`),
  ];
}

/** Returns the text of a value. For a list or map, returns only the type, because its text may have any size. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a map' : String(value);
}
