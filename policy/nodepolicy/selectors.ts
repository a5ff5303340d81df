// SPDX-License-Identifier: Apache-2.0
import type { LabelOperator } from '../plan/match-labels.ts';
import type { LabelSelector, NodeAffinity, PolicySpec } from './rule.ts';

/** A requirement as it is written, its values still untyped. */
export interface WrittenRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values?: readonly unknown[];
}

/** A requirement with its place in the object; `field` tells matchFields from expressions on labels. */
export interface PlacedRequirement extends WrittenRequirement {
  readonly path: string;
  readonly field: boolean;
}

/** The label selectors of a policy, by path. */
export function labelSelectorsOf(spec: PolicySpec): readonly { path: string; selector: LabelSelector }[] {
  return [
    { path: 'spec.nodeSelector', selector: spec.nodeSelector ?? {} },
    { path: 'spec.namespaceSelector', selector: spec.namespaceSelector ?? {} },
  ];
}

/** Every requirement of a policy's selectors and node affinity, in the order of the object. */
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
