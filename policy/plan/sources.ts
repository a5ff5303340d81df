// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import type { Wishes } from './candidate.ts';
import { wishesFromExplicit } from './from-explicit.ts';
import { type ImplicitExposure, wishesFromImplicit } from './from-implicit.ts';
import { wishesFromPolicies } from './from-policies.ts';
import { readTags, wishesFromTags } from './from-tags.ts';
import type { Interfaces } from './interfaces.ts';
import { matchNode, type NodeFacts } from './match-node.ts';
import type { Finding, SourceName } from './node-plan.ts';
import { comparePolicies } from './policy-order.ts';
import type { ExplicitConfig } from './read-explicit.ts';

/** Everything that can cause resources on a node. */
export interface Wanted {
  readonly policies: readonly Policy[];
  /** Undefined where there is no such config map. */
  readonly explicit: ExplicitConfig | undefined;
  /** Undefined with `implicitExposure: None`. */
  readonly implicit: ImplicitExposure | undefined;
}

/**
 * Asks the first source that applies to the node, and only that one: policies that select it, the explicit
 * configuration, tags, implicit exposure. A node that a policy selects exposes exactly what its policies say, even if
 * that is nothing (white-list); the same holds for the two other sources that a person writes.
 */
export function askSources(node: NodeFacts, wanted: Wanted, interfaces: Interfaces): Wishes & { source: SourceName } {
  const selecting = wanted.policies.filter(({ nodes }) => matchNode(node, nodes));
  const strangers = selecting.filter(isOutsideNamespace);
  const answer = askFirst(
    node,
    { ...wanted, policies: selecting.filter((policy) => !isOutsideNamespace(policy)) },
    interfaces,
  );
  return { ...answer, skipped: [...strangers.toSorted(comparePolicies).map(toFinding), ...answer.skipped] };
}

/** `wanted.policies` are those that count and select the node. */
function askFirst(node: NodeFacts, wanted: Wanted, interfaces: Interfaces): Wishes & { source: SourceName } {
  if (wanted.policies.length > 0) return { source: 'policy', ...wishesFromPolicies(wanted.policies, interfaces) };

  const { explicit } = wanted;
  if (explicit !== undefined && ('fault' in explicit || explicit.entries.length > 0)) {
    return { source: 'explicit', ...wishesFromExplicit(explicit, interfaces) };
  }

  const tags = readTags(node.labels);
  if (tags.length > 0) return { source: 'tag', ...wishesFromTags(tags, interfaces) };

  if (wanted.implicit !== undefined) return { source: 'implicit', ...wishesFromImplicit(wanted.implicit, interfaces) };
  return { source: 'none', candidates: [], skipped: [] };
}

/** Not even a white-list: whoever may write to some other namespace must not reach the nodes. */
export function isOutsideNamespace({ faults }: Policy): boolean {
  return faults.some(({ code }) => code === 'PolicyOutsideNamespace');
}

function toFinding({ id }: Policy): Finding {
  return { code: 'PolicyOutsideNamespace', source: 'policy', policy: id };
}
