// SPDX-License-Identifier: Apache-2.0
/** Labels of a node or a namespace. */
export type Labels = Readonly<Record<string, string>>;

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

/** One requirement on a label, with string values: `{ key: 'zone', operator: 'In', values: ['a', 'b'] }`. */
export interface Requirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/**
 * Returns whether a value meets a requirement. If the key is absent, the value is undefined: NotIn matches it, Gt and
 * Lt do not. Gt and Lt need integers on both sides. Source: apimachinery labels.Requirement.Matches.
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

/** Returns whether labels meet all requirements. An empty list matches everything. */
export function matchLabels(labels: Labels, requirements: readonly Requirement[]): boolean {
  return requirements.every((requirement) => meetsRequirement(ownValue(labels, requirement.key), requirement));
}

/** Parses an integer as Go's strconv.ParseInt(text, 10, 64) does. Returns undefined for any other text. */
export function parseInt64(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[+-]?\d{1,30}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value >= -(2n ** 63n) && value < 2n ** 63n ? value : undefined;
}

/** Returns the value of an own key, because a label named `constructor` must not be found in the prototype. */
function ownValue(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** The facts about a node that decide whether a policy selects it. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
}

/** One term of a core/v1 NodeSelector: all its requirements must hold. */
interface NodeSelectorTerm {
  readonly matchExpressions: readonly Requirement[];
  readonly matchFields: readonly Requirement[];
}

/** The parsed `nodeSelector` and `nodeAffinity` of a policy. An absent affinity matches every node. */
export interface NodeSelection {
  readonly labels: readonly Requirement[];
  readonly terms: readonly NodeSelectorTerm[] | undefined;
}

/**
 * Returns whether a policy selects a node: its label selector and its node affinity must both match. The affinity
 * matches if one of its terms does, and an empty term matches nothing. Source: component-helpers
 * nodeaffinity.NodeSelector.
 */
export function matchNode(node: NodeFacts, selection: NodeSelection): boolean {
  if (!matchLabels(node.labels, selection.labels)) return false;
  return selection.terms === undefined || selection.terms.some((term) => matchTerm(node, term));
}

function matchTerm(node: NodeFacts, { matchExpressions, matchFields }: NodeSelectorTerm): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return matchLabels(node.labels, matchExpressions) && matchFields.every((field) => matchField(node, field));
}

/**
 * Returns whether a node meets a field requirement. As in Kubernetes, only metadata.name with In or NotIn and one value
 * can match.
 */
function matchField(node: NodeFacts, field: Requirement): boolean {
  if (field.key !== 'metadata.name' || field.values.length !== 1) return false;
  return (field.operator === 'In' || field.operator === 'NotIn') && meetsRequirement(node.name, field);
}
