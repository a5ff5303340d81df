// SPDX-License-Identifier: Apache-2.0

import { quote } from '../json.ts';
import { nearestNames } from '../names.ts';
import { namesToSuggest } from '../offers/offers-view.ts';
import { resourcePrefix } from '../plan/resource.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import { admittedResources } from './default-resource.ts';
import { type NadContext, type NadRule, resourceAnnotation } from './read-nad.ts';

const path = `metadata.annotations[${resourceAnnotation}]`;

/** The maximum number of resources to list. */
const maxChoices = 8;

/**
 * Checks that a macvtap network names a resource of this project, and that this resource is offered. Without a
 * resource, its pods get no device and fail. A name that is not offered is usually misspelled, so the nearest offered
 * names are suggested.
 *
 * Some installations apply networks before policies. So the option unknownResource decides whether a resource that is
 * not offered is rejected.
 *
 * Reads the annotation k8s.v1.cni.cncf.io/resourceName. Emits ResourceMissing, ResourceForeign, and ResourceUnknown as
 * configured by unknownResource.
 */
export const checkResource: NadRule = ({ annotation, resource, plugins }, context) => {
  if (annotation === undefined) {
    return plugins.length === 0 ? [] : [deny('ResourceMissing', path, listChoices(context))];
  }
  if (resource === undefined) {
    const [near] = nearestNames(
      annotation.slice(annotation.lastIndexOf('/') + 1).trim(),
      namesToSuggest(context.offers),
    );
    const advice = near === undefined ? listChoices(context) : `did you mean ${resourcePrefix}${near}?`;
    return [deny('ResourceForeign', path, `${quote(annotation)}: ${advice}`)];
  }
  return context.offers.ofResource(resource).length > 0 ? [] : unknownResource(resource, context);
};

function unknownResource(resource: string, context: NadContext): readonly Verdict[] {
  const near = nearestNames(resource, namesToSuggest(context.offers));
  const advice = near.length === 0 ? listChoices(context) : `did you mean ${near.join(' or ')}?`;
  const detail = `${resourcePrefix}${resource}: ${advice}`;
  switch (context.unknownResource) {
    case 'Deny':
      return [deny('ResourceUnknown', path, detail)];
    case 'Warn':
      return [warn('ResourceUnknown', path, detail)];
    case 'Allow':
      return [];
  }
}

/** Lists the resources that policies offer to the namespace. If there are none, lists all offered resources. */
function listChoices(context: NadContext): string {
  const admitted = [...admittedResources(context, maxChoices + 1)];
  const names = admitted.length > 0 ? admitted : context.offers.resources.slice(0, maxChoices + 1);
  if (names.length === 0) return 'nothing is offered yet; a MacvtapNetworkNodePolicy offers resources';
  const more = names.length > maxChoices ? ', …' : '';
  return `offered are ${names.slice(0, maxChoices).join(', ')}${more}: write for example ${resourcePrefix}${names[0]}`;
}
