// SPDX-License-Identifier: Apache-2.0
import { admits } from '../offers/admits.ts';
import { describeRequirements } from '../offers/describe-requirements.ts';
import { policiesOffering } from '../offers/policies-offering.ts';
import { deny } from '../reasons.ts';
import { describeNamed, namedResources } from './named-resources.ts';
import type { PodRule } from './rule.ts';

/**
 * A pod that names a resource of ours runs in a namespace that every policy which offers the resource admits. All of
 * them, since nobody knows yet on which node it will run and so whose device it will get. It does not matter by which
 * way the resource is named: a limit without a network would take a device from those who may have it.
 *
 * Where the namespace's labels are not known, a policy with a selector admits nobody; one without admits it.
 *
 * Reads limits and requests of every container, the networks' annotations and the policies' namespaceSelector. Emits
 * NamespaceNotAdmitted and NamespaceUnknown.
 */
export const checkNamespaceAdmitted: PodRule = (pod, context) =>
  namedResources(pod, context).flatMap((named) => {
    const refusing = policiesOffering(context.offers, named.resource).filter(
      (policy) => !admits(policy, context.namespaceLabels),
    );
    return refusing.map(({ id, namespaces }) => {
      const wanted = `policy ${id} admits namespaces with ${describeRequirements(namespaces)}`;
      const detail = `${describeNamed(named)}, namespace ${context.namespace}: ${wanted}`;
      return deny(
        context.namespaceLabels === undefined ? 'NamespaceUnknown' : 'NamespaceNotAdmitted',
        named.path,
        detail,
      );
    });
  });
