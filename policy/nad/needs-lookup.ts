// SPDX-License-Identifier: Apache-2.0
import { readNad } from './read-nad.ts';
import type { NadContext, NadObject } from './rule.ts';

/**
 * Whether the cluster must be asked live before this network is judged or given its defaults. The objects of one
 * `kubectl apply` arrive milliseconds apart, the policy and the namespace perhaps just before their network, so that
 * - a resource that nobody offers may be offered by now;
 * - a resource that is found by its parent, or as the only one there is, may be the wrong one: a policy that is newer may
 *   offer another on that parent, or be the second. Only an offer of the network's own name, whoever makes it, stays the
 *   one to take, since nothing that a policy adds comes before it;
 * - a namespace that nobody knows may be there.
 */
export function needsLookup(nad: NadObject, { offers, namespaceLabels }: NadContext): boolean {
  const facts = readNad(nad);
  if (facts === undefined) return false;
  const { annotation, resource, plugins, name } = facts;
  if (resource !== undefined) return offers.ofResource(resource).length === 0;
  if (annotation !== undefined || plugins.length === 0) return false;
  return namespaceLabels === undefined || name === undefined || offers.ofResource(name).length === 0;
}
