// SPDX-License-Identifier: Apache-2.0

/** Syntax of a label's value: apimachinery validation.IsValidLabelValue. */
const valuePattern = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** Syntax of a label's key: an optional DNS prefix, then a name of 63 characters (validation.IsQualifiedName). */
const keyPattern =
  /^(?=.{1,317}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/**
 * A label's value as the engine compares it. YAML reads `macvtapAware: true` as a boolean; booleans and integers mean
 * their text. Floats, null and objects have no text that everyone would agree on: undefined.
 */
export function readLabelValue(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return undefined;
}

export function isLegalLabelValue(value: string): boolean {
  return valuePattern.test(value);
}

export function isLegalLabelKey(key: string): boolean {
  return keyPattern.test(key);
}
