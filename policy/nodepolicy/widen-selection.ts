// SPDX-License-Identifier: Apache-2.0
import { isJsonObject } from '../json.ts';
import type { NodeSelection, Requirement } from '../plan/match-labels.ts';
import { isNodeName, requirementFault } from './check-requirements.ts';
import { isLabelOperator } from './find-shape-fault.ts';
import {
  isLegalLabelKey,
  isLegalLabelValue,
  readLabelValue,
  readRequirement,
  type WrittenRequirement,
} from './rule.ts';

/**
 * Returns the node selection of an invalid policy. It selects every node that the author may have meant. The policy
 * exposes nothing on these nodes, but they do not fall back to another source.
 *
 * An unreadable part of the selection must not exclude nodes. An excluded node would use the next source, for example
 * implicit exposure. It would silently expose resources that the author meant to restrict. So the parts are read as
 * follows:
 *
 * - A requirement with an unreadable key or operator is ignored.
 * - In, Exists, Gt and Lt with an invalid value only require that the label exists. NotIn ignores unreadable values,
 *   and DoesNotExist with values is ignored.
 * - Readable parts apply as written.
 *
 * If no part is readable, the policy selects every node. A node that other policies also select still exposes the
 * resources of those policies, and pods keep the devices that they hold. All other nodes offer nothing new until the
 * policy is fixed, and report PolicyInvalid. Such an outage for new pods is visible, and is fixed sooner than a silent
 * exposure. An explicit configuration that cannot be read has the same effect.
 *
 * Accepts any value, since it also reads policies that the schema rejects.
 */
export function widenSelection(spec: unknown): NodeSelection {
  if (!isJsonObject(spec)) return { labels: [], terms: undefined };
  return { labels: widenLabels(spec.nodeSelector), terms: widenTerms(spec.nodeAffinity) };
}

function widenLabels(selector: unknown): readonly Requirement[] {
  if (!isJsonObject(selector)) return [];
  const { matchLabels, matchExpressions } = selector;
  const labels = isJsonObject(matchLabels) ? Object.entries(matchLabels) : [];
  return [
    ...labels.flatMap(([key, value]) => widenExpression({ key, operator: 'In', values: [value] })),
    ...widenList(matchExpressions, widenExpression),
  ];
}

/**
 * Widens the terms of a node affinity. Terms are alternatives: if one term may mean any node, the whole affinity
 * matches every node.
 */
function widenTerms(affinity: unknown): NodeSelection['terms'] {
  if (!isJsonObject(affinity) || !Array.isArray(affinity.nodeSelectorTerms)) return undefined;
  const terms = affinity.nodeSelectorTerms.map((term: unknown) => {
    if (!isJsonObject(term)) return undefined;
    const matchExpressions = widenList(term.matchExpressions, widenExpression);
    const matchFields = widenList(term.matchFields, widenField);
    const asksNothing = matchExpressions.length === 0 && matchFields.length === 0;
    return asksNothing && !isWrittenEmpty(term) ? undefined : { matchExpressions, matchFields };
  });
  return terms.length === 0 || terms.includes(undefined) ? undefined : terms.filter((term) => term !== undefined);
}

/** Returns whether a term was written without requirements. In Kubernetes, such a term matches no node. */
function isWrittenEmpty(term: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(term).every(
    ([name, list]) =>
      (name === 'matchExpressions' || name === 'matchFields') && Array.isArray(list) && list.length === 0,
  );
}

function widenList(list: unknown, widen: (written: unknown) => readonly Requirement[]): readonly Requirement[] {
  return Array.isArray(list) ? list.flatMap(widen) : [];
}

function widenExpression(written: unknown): readonly Requirement[] {
  if (!isJsonObject(written)) return [];
  const { key, operator, values = [] } = written;
  if (typeof key !== 'string' || !isLegalLabelKey(key) || !isLabelOperator(operator)) return [];
  const requirement: WrittenRequirement = { key, operator, values: Array.isArray(values) ? values : [null] };
  if (isSound(requirement)) return [readRequirement(requirement)];
  switch (operator) {
    case 'In':
    case 'Exists':
    case 'Gt':
    case 'Lt':
      return [{ key, operator: 'Exists', values: [] }];
    case 'NotIn':
      return [readRequirement(requirement)];
    case 'DoesNotExist':
      return [];
  }
}

function isSound(requirement: WrittenRequirement): boolean {
  const { operator, values = [] } = requirement;
  const isBound = operator === 'Gt' || operator === 'Lt';
  const texts = values.map(readLabelValue);
  return (
    requirementFault(requirement) === undefined &&
    texts.every((text) => text !== undefined && (isBound || isLegalLabelValue(text)))
  );
}

/** Widens a requirement of matchFields. The API accepts only metadata.name with In or NotIn and one value. */
function widenField(written: unknown): readonly Requirement[] {
  if (!isJsonObject(written) || written.key !== 'metadata.name' || !Array.isArray(written.values)) return [];
  const { key, operator, values } = written;
  if (values.length !== 1 || !isNodeName(readLabelValue(values[0]))) return [];
  return operator === 'In' || operator === 'NotIn' ? [readRequirement({ key, operator, values })] : [];
}
