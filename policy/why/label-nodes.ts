// SPDX-License-Identifier: Apache-2.0
import { meetsRequirement, type Requirement } from '../plan/match-labels.ts';
import type { NodeFacts } from '../plan/match-node.ts';
import { nodeArguments } from './group-nodes.ts';
import { kubectl } from './kubectl.ts';

/** The requirements that a node's labels do not meet. */
export function unmet({ labels }: NodeFacts, requirements: readonly Requirement[]): readonly Requirement[] {
  return requirements.filter(
    (requirement) =>
      !meetsRequirement(Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined, requirement),
  );
}

/** The command by which nodes meet requirements, with what is written for them; undefined where only a person can say by which value. */
export function labelNodes(
  names: readonly string[],
  requirements: readonly Requirement[],
  nodes: ReadonlyMap<string, NodeFacts>,
  written: readonly string[] = nodeArguments(names),
): string | undefined {
  const changes = requirements.map(labelFor);
  if (changes.some((change) => change === undefined)) return undefined;
  const isThere = requirements.some(({ key }) =>
    names.some((name) => Object.hasOwn(nodes.get(name)?.labels ?? {}, key)),
  );
  const texts = changes.filter((change) => change !== undefined);
  const overwrites = isThere && texts.some((text) => text.includes('='));
  return kubectl('label', 'node', ...written, ...texts, ...(overwrites ? ['--overwrite'] : []));
}

/** `macvtapAware=true` sets a label, `stage-` removes one. */
function labelFor({ key, operator, values }: Requirement): string | undefined {
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
