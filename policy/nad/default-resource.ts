// SPDX-License-Identifier: Apache-2.0
import { admittedResources } from './admitted-resources.ts';
import { parentsOf } from './parent-keys.ts';
import type { Fill, NadContext, NadDefault } from './rule.ts';

/**
 * A network names its resource in an annotation, or Multus hands it no device. The first of these that is there:
 * - an offer named like the network;
 * - the offer that stands on the parent which the config names (`parent`, `master` or `lowerDevice`), one of a policy
 *   before any other; if that is none, or not a single one, nothing further is tried: a guess would put the network on
 *   another wire than its author named;
 * - the only resource that policies offer to the namespace. Never an implicit one: that a node happens to expose a single
 *   interface says nothing of what the author wants.
 *
 * Adds the annotation k8s.v1.cni.cncf.io/resourceName. Else it is left alone, and check-resource names the choices.
 */
export const defaultResource: NadDefault = (nad, context) => {
  if (nad.annotation !== undefined) return {};
  if (nad.name !== undefined && context.offers.ofResource(nad.name).length > 0) return { resource: nad.name };
  const parents = nad.plugins.flatMap(({ conf }) => parentsOf(conf));
  return parents.length > 0 ? onlyOf(resourcesOn(parents, context)) : onlyOf(admittedResources(context, 2));
};

function resourcesOn(parents: readonly { readonly value: string }[], { offers }: NadContext): ReadonlySet<string> {
  const found = parents.flatMap(({ value }) => offers.ofParent(value));
  const ofPolicies = found.filter(({ source }) => source === 'policy');
  return new Set((ofPolicies.length > 0 ? ofPolicies : found).map(({ resource }) => resource));
}

function onlyOf(resources: ReadonlySet<string>): Fill {
  const [resource, ...others] = resources;
  return resource === undefined || others.length > 0 ? {} : { resource };
}
