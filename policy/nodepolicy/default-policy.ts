// SPDX-License-Identifier: Apache-2.0
import { macvtapNetworkNodePolicyDefaults as defaults } from '../api/macvtap-network-node-policy.ts';
import { type Edit, type Mutation, pointer } from '../edit.ts';
import { isJsonObject } from '../json-object.ts';
import { isMode, quantityFor } from '../plan/mode.ts';
import { isLegalLabelKey, readLabelValue } from './label-value.ts';

/** The schema's bound on every list and on matchLabels; a longer one is refused after this, so it is left alone. */
const maxItems = 64;

/** The most values that are turned into strings. Nobody writes so many, and the engine reads the others all the same. */
const maxValues = 1_024;

type Path = readonly (string | number)[];
type Fields = Readonly<Record<string, unknown>>;

/**
 * Makes a policy say in full what it means: values of selectors as strings where they are booleans or integers, and
 * every default written out, so that a later release with other defaults does not change it. What cannot be read, such
 * as a float or null as a label's value, is left for validation to refuse.
 *
 * Takes any object: it comes before the schema is checked. A second pass changes nothing. The edits belong to no field
 * manager and lie in fields and atomic lists of their own, so that applying the same file again meets no conflict.
 */
export function defaultPolicy(object: unknown): Mutation {
  if (!isJsonObject(object) || !isJsonObject(object.spec) || isBeingDeleted(object)) return { edits: [], verdicts: [] };
  return { edits: [...valueEdits(object.spec), ...defaultEdits(object.spec)], verdicts: [] };
}

/** Whether only finalizers keep an object. */
export function isBeingDeleted(object: unknown): boolean {
  return isJsonObject(object) && isJsonObject(object.metadata) && typeof object.metadata.deletionTimestamp === 'string';
}

function valueEdits(spec: Fields): readonly Edit[] {
  const terms = isJsonObject(spec.nodeAffinity) ? itemsOf(spec.nodeAffinity.nodeSelectorTerms) : [];
  const edits = [
    ...selectorEdits(spec.nodeSelector, ['spec', 'nodeSelector']),
    ...terms.flatMap((term, index) => {
      const path = ['spec', 'nodeAffinity', 'nodeSelectorTerms', index];
      return [
        ...requirementEdits(term.matchExpressions, [...path, 'matchExpressions']),
        ...requirementEdits(term.matchFields, [...path, 'matchFields']),
      ];
    }),
    ...selectorEdits(spec.namespaceSelector, ['spec', 'namespaceSelector']),
  ];
  return edits.length > maxValues ? [] : edits;
}

function selectorEdits(selector: unknown, path: Path): readonly Edit[] {
  if (!isJsonObject(selector)) return [];
  const labels = isJsonObject(selector.matchLabels) ? Object.entries(selector.matchLabels) : [];
  return [
    ...labels
      .filter(([key]) => isLegalLabelKey(key))
      .flatMap(([key, value]) => valueEdit(value, [...path, 'matchLabels', key])),
    ...requirementEdits(selector.matchExpressions, [...path, 'matchExpressions']),
  ];
}

function requirementEdits(list: unknown, path: Path): readonly Edit[] {
  return itemsOf(list).flatMap(({ values }, index) =>
    Array.isArray(values)
      ? values.flatMap((value: unknown, place) => valueEdit(value, [...path, index, 'values', place]))
      : [],
  );
}

function valueEdit(value: unknown, path: Path): readonly Edit[] {
  const text = readLabelValue(value);
  return text === undefined || text === value ? [] : [{ op: 'replace', path: pointer(...path), value: text }];
}

function defaultEdits(spec: Fields): readonly Edit[] {
  return [
    ...defaultEdit(spec, 'priority', defaults['spec.priority'], ['spec']),
    ...itemsOf(spec.parentSelector).flatMap((entry, index) => {
      const path = ['spec', 'parentSelector', index];
      const mode = entry.mode ?? defaults['spec.parentSelector[].mode'];
      return [
        ...defaultEdit(entry, 'mode', mode, path),
        ...(typeof mode === 'string' && isMode(mode) ? defaultEdit(entry, 'quantity', quantityFor(mode), path) : []),
        ...(['excludeTopology', 'needVhostNet', 'allowHostInterface'] as const).flatMap((field) =>
          defaultEdit(entry, field, defaults[`spec.parentSelector[].${field}`], path),
        ),
      ];
    }),
  ];
}

/** Null means absent, as it does to the API server for every field that is not nullable. */
function defaultEdit(fields: Fields, field: string, value: unknown, path: Path): readonly Edit[] {
  return (fields[field] ?? undefined) === undefined ? [{ op: 'add', path: pointer(...path, field), value }] : [];
}

/** The items of a list of maps, in their places; nothing of a list that is none, is too long, or holds something else. */
function itemsOf(list: unknown): readonly Fields[] {
  return Array.isArray(list) && list.length <= maxItems && list.every(isJsonObject) ? list : [];
}
