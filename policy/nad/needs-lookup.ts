// SPDX-License-Identifier: Apache-2.0
import { defaultResource } from './default-resource.ts';
import { readNad } from './read-nad.ts';
import type { NadContext, NadObject } from './rule.ts';

/**
 * Whether the cluster must be asked live before this network is judged or left without its defaults: its resource is
 * offered by nobody, or it names none, and none was found for it or nobody knows its namespace. The objects of one
 * `kubectl apply` arrive milliseconds apart, the policy and the namespace perhaps just before their network.
 */
export function needsLookup(nad: NadObject, context: NadContext): boolean {
  const facts = readNad(nad);
  if (facts === undefined) return false;
  if (facts.resource !== undefined) return context.offers.ofResource(facts.resource).length === 0;
  if (facts.annotation !== undefined || facts.plugins.length === 0) return false;
  return context.namespaceLabels === undefined || defaultResource(facts, context).resource === undefined;
}
