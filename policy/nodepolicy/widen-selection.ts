// SPDX-License-Identifier: Apache-2.0

import { isJsonObject } from '../json-object.ts';
import type { Requirement } from '../plan/match-labels.ts';
import type { NodeSelection } from '../plan/match-node.ts';
import { isNodeName } from './check-field-requirements.ts';
import { requirementFault } from './check-requirements.ts';
import { isLabelOperator } from './find-shape-fault.ts';
import { isLegalLabelKey, isLegalLabelValue, readLabelValue } from './label-value.ts';
import { readRequirement } from './read-selection.ts';
import type { WrittenRequirement } from './selectors.ts';

/**
 * The nodes that a policy with faults keeps to the white-list: all that it can have meant.
 *
 * Such a policy exposes nothing. Were a part of its selection that cannot be read taken to match nothing, its nodes
 * would fall through to the next source and expose what somebody meant to restrict, without a word. So such a part asks
 * as little as it can have meant: a requirement with an unreadable value still asks for its key, one without a readable
 * key asks nothing. The narrowest reading that leaves out no node that was meant; what is sound counts as it is written.
 *
 * Where nothing of a selection can be read, that is every node. Nodes that other policies select still expose what
 * those say, and devices that pods hold stay; other nodes offer nothing new until the policy is mended, and say why
 * (PolicyInvalid). An outage of new allocations that everyone sees is mended sooner than an exposure that nobody does,
 * and an explicit configuration that cannot be read counts the same way.
 *
 * Takes any value, since a policy that the schema refuses is read this way too.
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

/** Terms are alternatives: as soon as one of them may mean any node, the affinity as a whole asks nothing. */
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

/** A term that was written to ask nothing matches nothing, by the API's own rule. */
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

/** The API knows one field, by In or NotIn with one value. */
function widenField(written: unknown): readonly Requirement[] {
  if (!isJsonObject(written) || written.key !== 'metadata.name' || !Array.isArray(written.values)) return [];
  const { key, operator, values } = written;
  if (values.length !== 1 || !isNodeName(readLabelValue(values[0]))) return [];
  return operator === 'In' || operator === 'NotIn' ? [readRequirement({ key, operator, values })] : [];
}
