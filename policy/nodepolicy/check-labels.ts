// SPDX-License-Identifier: Apache-2.0
import { deny, type Verdict } from '../reasons.ts';
import { isLegalLabelKey, isLegalLabelValue, readLabelValue } from './label-value.ts';
import type { PolicyRule } from './rule.ts';
import { labelSelectorsOf, requirementsOf } from './selectors.ts';

/**
 * Keys and values of selectors must be able to stand on an object, or the selector would never match. Values are
 * strings; booleans and integers are taken for their text, and anything else (a float, null, a list) is refused rather
 * than guessed at.
 *
 * Reads nodeSelector, namespaceSelector and nodeAffinity. Emits BadSelectorValue, BadLabel. matchFields have rules of
 * their own: check-field-requirements.
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

/** A bound of Gt or Lt is compared as a number and never stands on an object: `-5` is legal there. */
function valueFaults(value: unknown, path: string, isBound: boolean): readonly Verdict[] {
  const text = readLabelValue(value);
  if (text === undefined) return [deny('BadSelectorValue', path, `${describe(value)}: write it in quotes`)];
  if (isBound || isLegalLabelValue(text)) return [];
  return [deny('BadLabel', path, `value ${text}: use at most 63 of A-Z a-z 0-9 . _ - and no mark at either end`)];
}

/** A nested value has no text that could be put in quotes, and any size: its kind is told instead. */
function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'a map' : String(value);
}
