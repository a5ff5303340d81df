// SPDX-License-Identifier: Apache-2.0
import { macvtapNetworkNodePolicyDefaults as defaults } from '../api/macvtap-network-node-policy.ts';
import { type Edit, isJsonObject, type Mutation, pointer } from '../json.ts';
import { isMode, quantityFor } from '../plan/resource.ts';
import { isLegalLabelKey, readLabelValue } from './rule.ts';

/** The schema's limit for lists. The items of a longer list are not changed, because validation rejects the list. */
const maxItems = 64;

/**
 * The maximum number of values to convert to strings. If there are more, none is converted. All readers of policies
 * also accept unconverted values.
 */
const maxValues = 1_024;

type Path = readonly (string | number)[];
type Fields = Readonly<Record<string, unknown>>;

/**
 * Completes a policy. Booleans and integers in selectors become strings. All defaults are written into the policy, so
 * that a later release with other defaults does not change it. Values that cannot be converted, such as a float or
 * null, are left unchanged, and validation rejects them.
 *
 * Accepts any object, since it runs before the schema check. A second pass changes nothing. The edits do not change
 * which field manager owns a field or an atomic list. So a second server-side apply of the same file causes no
 * conflict.
 */
export function defaultPolicy(object: unknown): Mutation {
  if (!isJsonObject(object) || !isJsonObject(object.spec) || isBeingDeleted(object)) return { edits: [], verdicts: [] };
  return { edits: [...valueEdits(object.spec), ...defaultEdits(object.spec)], verdicts: [] };
}

/** Returns whether an object is being deleted and only waits for its finalizers. */
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
    ...(['priority', 'onCarrierLoss', 'carrierLossGracePeriod'] as const).flatMap((field) =>
      defaultEdit(spec, field, defaults[`spec.${field}`], ['spec']),
    ),
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

/** Adds a default. Null is treated as absent, as the API server does for every field that is not nullable. */
function defaultEdit(fields: Fields, field: string, value: unknown, path: Path): readonly Edit[] {
  return (fields[field] ?? undefined) === undefined ? [{ op: 'add', path: pointer(...path, field), value }] : [];
}

/**
 * Returns the items of a list of maps. Returns none if the value is not a list, is too long, or contains other items.
 */
function itemsOf(list: unknown): readonly Fields[] {
  return Array.isArray(list) && list.length <= maxItems && list.every(isJsonObject) ? list : [];
}
