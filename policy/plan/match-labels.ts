// SPDX-License-Identifier: Apache-2.0

/** Labels of a node or a namespace. */
export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

/** One requirement with its values as strings: `{ key: 'zone', operator: 'In', values: ['a', 'b'] }`. */
export interface Requirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/**
 * Whether a value, undefined where the key is absent, meets a requirement. Source: apimachinery
 * labels.Requirement.Matches: NotIn holds for an absent key, Gt and Lt do not, and need integers on both sides.
 */
export function meetsRequirement(value: string | undefined, { operator, values }: Requirement): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
    case 'Lt': {
      const actual = parseInt64(value);
      const bound = values.length === 1 ? parseInt64(values[0]) : undefined;
      if (actual === undefined || bound === undefined) return false;
      return operator === 'Gt' ? actual > bound : actual < bound;
    }
  }
}

/** All requirements must hold; none at all holds for everything. */
export function matchLabels(labels: Labels, requirements: readonly Requirement[]): boolean {
  return requirements.every((requirement) => meetsRequirement(ownValue(labels, requirement.key), requirement));
}

/** As Go's strconv.ParseInt(text, 10, 64) reads it; anything else is no integer. */
export function parseInt64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?\d{1,30}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined;
}

/** A label named `constructor` must not be found on an object that does not carry it. */
function ownValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
