// SPDX-License-Identifier: Apache-2.0
import { nearestNames } from '../nearest-names.ts';
import { resourcePrefix } from '../plan/resource-name.ts';
import { quote } from '../quote.ts';
import { deny, type Verdict, warn } from '../reasons.ts';
import { admittedResources } from './admitted-resources.ts';
import { resourceAnnotation } from './read-nad.ts';
import type { NadContext, NadRule } from './rule.ts';

const path = `metadata.annotations[${resourceAnnotation}]`;

/** As many as a person reads. */
const maxChoices = 8;

/**
 * A macvtap network names a resource of ours, or its pods get no device and fail; and somebody offers that resource: a
 * policy, or a node by its state. A name that nobody offers is most often a slip, so the nearest ones are named; what
 * becomes of the network is the installation's choice, for who applies networks before policies.
 *
 * Reads the annotation k8s.v1.cni.cncf.io/resourceName. Emits ResourceMissing, ResourceForeign, ResourceUnknown (as
 * unknownResource says).
 */
export const checkResource: NadRule = ({ annotation, resource, plugins }, context) => {
  if (annotation === undefined) {
    return plugins.length === 0 ? [] : [deny('ResourceMissing', path, listChoices(context))];
  }
  if (resource === undefined) {
    const [near] = nearestNames(annotation.slice(annotation.lastIndexOf('/') + 1).trim(), context.offers.resources);
    const advice = near === undefined ? listChoices(context) : `did you mean ${resourcePrefix}${near}?`;
    return [deny('ResourceForeign', path, `${quote(annotation)}: ${advice}`)];
  }
  return context.offers.ofResource(resource).length > 0 ? [] : tellUnknown(resource, context);
};

function tellUnknown(resource: string, context: NadContext): readonly Verdict[] {
  const near = nearestNames(resource, context.offers.resources);
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

/** Those that policies offer to the namespace; where there are none, what nodes expose. */
function listChoices(context: NadContext): string {
  const admitted = [...admittedResources(context, maxChoices + 1)];
  const names = admitted.length > 0 ? admitted : context.offers.resources.slice(0, maxChoices + 1);
  if (names.length === 0) return 'nothing is offered yet; a MacvtapNetworkNodePolicy offers resources';
  const more = names.length > maxChoices ? ', …' : '';
  return `offered are ${names.slice(0, maxChoices).join(', ')}${more}: write for example ${resourcePrefix}${names[0]}`;
}
