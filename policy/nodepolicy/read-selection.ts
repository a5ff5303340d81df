// SPDX-License-Identifier: Apache-2.0
import type { Requirement } from '../plan/match-labels.ts';
import type { NodeSelection } from '../plan/match-node.ts';
import { readLabelValue } from './label-value.ts';
import type { LabelSelector, PolicySpec } from './rule.ts';
import type { WrittenRequirement } from './selectors.ts';

/** The nodes that a policy without faults selects. */
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

/** A value without a text (a fault that check-labels denies) equals nothing: it is left out. */
export function readRequirement({ key, operator, values = [] }: WrittenRequirement): Requirement {
  return { key, operator, values: values.map(readLabelValue).filter((value) => value !== undefined) };
}
