// SPDX-License-Identifier: Apache-2.0
import { meetsRequirement, type NodeFacts, type Requirement } from '../plan/match-labels.ts';
import { nodeArguments } from './group-nodes.ts';
import { kubectl } from './suggested-commands.ts';
import type { Taint, Toleration } from './why-facts.ts';

/**
 * The taint that the node controller sets while spec.unschedulable is true. Source: k8s.io/api/core/v1
 * TaintNodeUnschedulable.
 */
const cordonKey = 'node.kubernetes.io/unschedulable';

/** Returns whether the node is cordoned, by `kubectl cordon` or `kubectl drain`. */
export function isCordoned(taints: readonly Taint[]): boolean {
  return taints.some(({ key }) => key === cordonKey);
}

/** Returns the taints that keep a pod off a node. Source: component-helpers corev1.FindMatchingUntoleratedTaint. */
export function untolerated(taints: readonly Taint[], tolerations: readonly Toleration[]): readonly Taint[] {
  return taints.filter(
    (taint) => taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates({ key = '', operator = 'Equal', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
}

/** Returns the requirements that a node's labels do not meet. */
export function unmetRequirements({ labels }: NodeFacts, requirements: readonly Requirement[]): readonly Requirement[] {
  return requirements.filter(
    (requirement) =>
      !meetsRequirement(Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined, requirement),
  );
}

/**
 * Returns the command that labels nodes so that they meet requirements. `written` is how the command names the nodes,
 * for example with the placeholder `NODE`. Returns undefined if the right value is unknown, as for Gt and Lt.
 */
export function labelNodes(
  names: readonly string[],
  requirements: readonly Requirement[],
  nodes: ReadonlyMap<string, NodeFacts>,
  written: readonly string[] = nodeArguments(names),
): string | undefined {
  const changes = requirements.map(labelChange);
  if (changes.some((change) => change === undefined)) return undefined;
  const isThere = requirements.some(({ key }) =>
    names.some((name) => Object.hasOwn(nodes.get(name)?.labels ?? {}, key)),
  );
  const texts = changes.filter((change) => change !== undefined);
  const overwrites = isThere && texts.some((text) => text.includes('='));
  return kubectl('label', 'node', ...written, ...texts, ...(overwrites ? ['--overwrite'] : []));
}

/**
 * Returns the argument of `kubectl label` for a requirement: `macvtapAware=true` sets a label, `stage-` removes one.
 */
export function labelChange({ key, operator, values }: Requirement): string | undefined {
  switch (operator) {
    case 'In':
      return values[0] === undefined ? undefined : `${key}=${values[0]}`;
    case 'Exists':
      return `${key}=`;
    case 'NotIn':
    case 'DoesNotExist':
      return `${key}-`;
    case 'Gt':
    case 'Lt':
      return undefined;
  }
}
