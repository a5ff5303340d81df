// SPDX-License-Identifier: Apache-2.0
import { admits } from '../offers/admits.ts';
import type { NadContext } from './rule.ts';

/**
 * Resources that policies offer to the network's namespace, the first few of them: a pod of it needs every policy that
 * offers one to admit it. Where the namespace's labels are not
 * known every policy counts as admitting, so that none is wrongly taken for the only choice.
 */
export function admittedResources(context: NadContext, atMost: number): ReadonlySet<string> {
  const refusing = new Map<string, boolean>();
  const refuses = (policy: string): boolean => {
    const known = refusing.get(policy) ?? refusesNamespace(policy, context);
    refusing.set(policy, known);
    return known;
  };
  const admitted = new Set<string>();
  for (const { resource } of context.offers.fromPolicies) {
    if (admitted.size === atMost) break;
    const offered = context.offers.ofResource(resource);
    if (!offered.some(({ policy }) => policy !== undefined && refuses(policy))) admitted.add(resource);
  }
  return admitted;
}

function refusesNamespace(id: string, { offers, namespaceLabels }: NadContext): boolean {
  const policy = offers.policy(id);
  return policy !== undefined && namespaceLabels !== undefined && !admits(policy, namespaceLabels);
}
