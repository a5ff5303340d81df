// SPDX-License-Identifier: Apache-2.0
import { readNodeSelection } from '../../policy/nodepolicy/read-selection.ts';
import type { NodeAffinity } from '../../policy/nodepolicy/rule.ts';
import type { NodeSelection } from '../../policy/plan/match-node.ts';
import type { Taint, Toleration } from '../../policy/why/why-facts.ts';
import { listIn, mapIn, textIn, valueIn } from './fields.ts';

/** Which nodes a pod's spec asks for: its selector, its required affinity and what it tolerates. */
export function readScheduling(spec: unknown): {
  readonly selection: NodeSelection;
  readonly tolerations: readonly Toleration[];
} {
  const required = valueIn(spec, 'affinity', 'nodeAffinity', 'requiredDuringSchedulingIgnoredDuringExecution');
  const selection = readNodeSelection({
    parentSelector: [],
    nodeSelector: { matchLabels: mapIn(spec, 'nodeSelector') },
    ...(required !== undefined && required !== null && { nodeAffinity: required as NodeAffinity }),
  });
  const tolerations = listIn(spec, 'tolerations').map((one) => ({
    key: textIn(one, 'key'),
    operator: textIn(one, 'operator'),
    value: textIn(one, 'value'),
    effect: textIn(one, 'effect'),
  }));
  return { selection, tolerations };
}

/** The taints of a Node. */
export function readTaints(node: unknown): readonly Taint[] {
  return listIn(node, 'spec', 'taints').map((one) => ({
    key: textIn(one, 'key') ?? '',
    value: textIn(one, 'value'),
    effect: textIn(one, 'effect') ?? '',
  }));
}
