// SPDX-License-Identifier: Apache-2.0
import { type Labels, matchLabels, meetsRequirement, type Requirement } from './match-labels.ts';

/** What selection reads of a node. */
export interface NodeFacts {
  readonly name: string;
  readonly labels: Labels;
}

/** One term of a core/v1 NodeSelector: all its requirements must hold. */
interface NodeSelectorTerm {
  readonly matchExpressions: readonly Requirement[];
  readonly matchFields: readonly Requirement[];
}

/** `nodeSelector` and `nodeAffinity` of a policy, read; an absent affinity asks nothing. */
export interface NodeSelection {
  readonly labels: readonly Requirement[];
  readonly terms: readonly NodeSelectorTerm[] | undefined;
}

/**
 * Whether a policy selects a node: its label selector and its node affinity must both hold. Of the affinity's terms one
 * is enough, and a term that asks nothing matches nothing. Source: component-helpers nodeaffinity.NodeSelector.
 */
export function matchNode(node: NodeFacts, selection: NodeSelection): boolean {
  if (!matchLabels(node.labels, selection.labels)) return false;
  return selection.terms === undefined || selection.terms.some((term) => matchTerm(node, term));
}

function matchTerm(node: NodeFacts, { matchExpressions, matchFields }: NodeSelectorTerm): boolean {
  if (matchExpressions.length === 0 && matchFields.length === 0) return false;
  return matchLabels(node.labels, matchExpressions) && matchFields.every((field) => matchField(node, field));
}

/** The API knows one field of a node, with one value, by In or NotIn; what it does not know matches nothing. */
function matchField(node: NodeFacts, field: Requirement): boolean {
  if (field.key !== 'metadata.name' || field.values.length !== 1) return false;
  return (field.operator === 'In' || field.operator === 'NotIn') && meetsRequirement(node.name, field);
}
