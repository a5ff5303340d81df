// SPDX-License-Identifier: Apache-2.0
import type { MacvtapNetworkNodePolicy } from '../api/macvtap-network-node-policy.ts';
import type { LabelOperator, NodeSelection, Requirement } from '../plan/match-labels.ts';
import type { Verdict } from '../reasons.ts';

export type PolicySpec = MacvtapNetworkNodePolicy['spec'];
export type ParentEntry = PolicySpec['parentSelector'][number];
export type NicSelector = NonNullable<ParentEntry['nicSelector']>;
export type LabelSelector = NonNullable<PolicySpec['nodeSelector']>;
export type NodeAffinity = NonNullable<PolicySpec['nodeAffinity']>;

/** A policy object with a checked shape, from a file or the API server. */
export interface PolicyObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid?: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
  };
  readonly spec: PolicySpec;
}

/** The facts that rules need in addition to the object. */
export interface ReviewContext {
  /** The installation's namespace. Policies in other namespaces have no effect. */
  readonly policyNamespace: string;
}

/** A rule. Returns its verdicts about a policy. */
export type PolicyRule = (policy: PolicyObject, context: ReviewContext) => readonly Verdict[];

/** A requirement as written in the policy. Its values may have any type. */
export interface WrittenRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values?: readonly unknown[];
}

/** A requirement and its path in the object. `field` is true for matchFields and false for matchExpressions. */
export interface PlacedRequirement extends WrittenRequirement {
  readonly path: string;
  readonly field: boolean;
}

/** Returns the label selectors of a policy with their paths. */
export function labelSelectorsOf(spec: PolicySpec): readonly { path: string; selector: LabelSelector }[] {
  return [
    { path: 'spec.nodeSelector', selector: spec.nodeSelector ?? {} },
    { path: 'spec.namespaceSelector', selector: spec.namespaceSelector ?? {} },
  ];
}

/** Returns all requirements in a policy's selectors and node affinity, in this order. */
export function requirementsOf(spec: PolicySpec): readonly PlacedRequirement[] {
  return [
    ...labelSelectorsOf(spec).flatMap(({ path, selector }) =>
      placed(selector.matchExpressions, `${path}.matchExpressions`, false),
    ),
    ...affinityRequirements(spec.nodeAffinity),
  ];
}

function affinityRequirements(affinity: NodeAffinity | undefined): readonly PlacedRequirement[] {
  return (affinity?.nodeSelectorTerms ?? []).flatMap((term, index) => {
    const path = `spec.nodeAffinity.nodeSelectorTerms[${index}]`;
    return [
      ...placed(term.matchExpressions, `${path}.matchExpressions`, false),
      ...placed(term.matchFields, `${path}.matchFields`, true),
    ];
  });
}

function placed(
  requirements: readonly WrittenRequirement[] | undefined,
  path: string,
  field: boolean,
): readonly PlacedRequirement[] {
  return (requirements ?? []).map((requirement, index) => ({ ...requirement, path: `${path}[${index}]`, field }));
}

/** Reads the node selection of a valid policy. */
export function readNodeSelection(spec: PolicySpec): NodeSelection {
  return {
    labels: readLabelSelector(spec.nodeSelector),
    terms: spec.nodeAffinity?.nodeSelectorTerms.map(({ matchExpressions, matchFields }) => ({
      matchExpressions: (matchExpressions ?? []).map(readRequirement),
      matchFields: (matchFields ?? []).map(readRequirement),
    })),
  };
}

export function readLabelSelector(selector: LabelSelector | undefined): readonly Requirement[] {
  const labels = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) =>
    readRequirement({ key, operator: 'In', values: [value] }),
  );
  return [...labels, ...(selector?.matchExpressions ?? []).map(readRequirement)];
}

/**
 * Reads a requirement. Omits values that cannot be converted to text, because no label equals them; check-labels
 * rejects them.
 */
export function readRequirement({ key, operator, values = [] }: WrittenRequirement): Requirement {
  return { key, operator, values: values.map(readLabelValue).filter((value) => value !== undefined) };
}

/** The syntax of a label's value; see apimachinery validation.IsValidLabelValue. */
const valuePattern = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/**
 * The syntax of a label's key: an optional DNS prefix, then a name of at most 63 characters
 * (validation.IsQualifiedName).
 */
const keyPattern =
  /^(?=.{1,317}$)([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/**
 * Returns a label's value as a string. YAML reads `macvtapAware: true` as a boolean, so booleans and integers are
 * converted. Returns undefined for floats, null and objects, because their text is ambiguous.
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
