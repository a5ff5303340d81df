// SPDX-License-Identifier: Apache-2.0
import type { Policy } from '../nodepolicy/read-policy.ts';
import { admits } from '../offers/policies-governing.ts';
import { parentsOf } from './config/known-keys.ts';
import type { Fill, NadContext, NadDefault } from './read-nad.ts';

/**
 * Adds the annotation that names the network's resource. Without it, Multus passes no device. The resource is the first
 * of:
 * - the offered resource with the network's name;
 * - the resource offered on the parent that the config names (`parent`, `master` or `lowerDevice`). Offers of policies
 *   take precedence over all others. If several resources are offered there, none is chosen, because a guess could
 *   connect pods to the wrong network;
 * - the only resource that policies name and offer to the namespace. Resources that only nodes report are ignored,
 *   because a single node could otherwise change the choice for every namespace.
 *
 * Adds the annotation k8s.v1.cni.cncf.io/resourceName. If no resource is found, check-resource lists the choices.
 */
export const defaultResource: NadDefault = (nad, context) => {
  if (nad.annotation !== undefined) return {};
  if (nad.name !== undefined && context.offers.ofResource(nad.name).length > 0) return { resource: nad.name };
  const parents = nad.plugins.flatMap(({ conf }) => parentsOf(conf));
  if (parents.length > 0) return onlyOf(resourcesOn(parents, context));
  return offersMore(context) ? {} : onlyOf(admittedResources(context, 2));
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

/**
 * Returns the first resources that policies name and offer to the network's namespace, at most `atMost`.
 *
 * A pod may use a resource only if every policy that governs the resource admits the pod's namespace. If the labels of
 * the namespace are unknown, this function assumes that every policy admits it. So no resource is mistaken for the only
 * choice.
 *
 * Node reports are ignored, because otherwise a node could add a choice for every namespace.
 */
export function admittedResources(context: NadContext, atMost: number): ReadonlySet<string> {
  const { governing } = context.offers;
  const refusing = governing.where((policy) => isRefusing(policy, context));
  const admitted = new Set<string>();
  for (const resource of governing.names) {
    if (admitted.size === atMost) break;
    if (refusing.of(resource).length === 0) admitted.add(resource);
  }
  return admitted;
}

/**
 * Returns whether a policy offers the namespace resources that are named after interfaces. Only nodes know these names.
 * So a resource that a policy names may not be the only choice.
 */
function offersMore(context: NadContext): boolean {
  return context.offers.governing.selecting.some((policy) => !isRefusing(policy, context));
}

function isRefusing(policy: Policy, { namespaceLabels }: NadContext): boolean {
  return namespaceLabels !== undefined && !admits(policy, namespaceLabels);
}
